"""What a tenant finds when it logs in, and what it cannot reach from there."""

from contextlib import AsyncExitStack

import asyncpg
import pytest

from domain.secret import Secret
from tests.support.databases import vended
from tests.support.obstacles import filled
from tests.support.orders import new_order
from tests.support.places import Place, refused, tenant

NO_LOGIN = (
    asyncpg.InsufficientPrivilegeError,  # no CONNECT
    asyncpg.InvalidAuthorizationSpecificationError,  # pg_hba.conf says no
    asyncpg.ObjectNotInPrerequisiteStateError,  # template0 takes nobody
)


async def test_the_tenant_owns_its_database(place: Place) -> None:
    async with (
        vended(place.provider, new_order()) as connection,
        tenant(connection) as session,
    ):
        found = await session.fetch(
            "SELECT current_user::text, current_database()::text, pg_get_userbyid(datdba)::text "
            "FROM pg_database WHERE datname = current_database()"
        )
        assert [tuple(row) for row in found] == [
            (connection.user, connection.database, connection.user)
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE made (id int PRIMARY KEY); INSERT INTO made VALUES (1)",
        "CREATE SCHEMA own CREATE TABLE made (id int)",
        "CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
        "CREATE TEMP TABLE passing (id int)",
        "CREATE VIEW seen AS SELECT 1",
        "ALTER SCHEMA public RENAME TO mine",
        "COMMENT ON DATABASE {database} IS 'mine'",
        "VACUUM",
    ],
)
async def test_the_tenant_can_work_in_its_database(place: Place, statement: str) -> None:
    async with (
        vended(place.provider, new_order()) as connection,
        tenant(connection) as session,
    ):
        await session.execute(filled(statement, connection))


@pytest.mark.parametrize("database", ["postgres", "template1", "template0"])
async def test_the_tenant_reaches_no_database_of_the_server(place: Place, database: str) -> None:
    async with vended(place.provider, new_order()) as connection:
        with refused(*NO_LOGIN):
            async with tenant(connection, database=database):
                pass


async def test_the_tenant_does_not_reach_its_neighbours_database(place: Place) -> None:
    async with (
        vended(place.provider, new_order()) as connection,
        vended(place.provider, new_order()) as neighbour,
    ):
        with refused(*NO_LOGIN):
            async with tenant(connection, database=neighbour.database):
                pass


async def test_a_wrong_password_is_refused(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        with refused(asyncpg.InvalidPasswordError):
            async with tenant(connection, password=Secret("wrong").reveal()):
                pass


async def test_the_public_has_no_privilege_on_the_database(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        granted = await place.sql(
            "SELECT pg_get_userbyid(entry.grantee)::text, entry.privilege_type "
            "FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry "
            "WHERE datname = $1",
            connection.database,
        )
        assert sorted(granted) == [
            (connection.user, "CONNECT"),
            (connection.user, "CREATE"),
            (connection.user, "TEMPORARY"),
        ]


async def test_the_tenants_role_can_do_nothing_but_log_in(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        attributes = await place.sql(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, "
            "rolbypassrls FROM pg_roles WHERE rolname = $1",
            connection.user,
        )
        assert attributes == [(True, False, False, False, False, False)]
        memberships = "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole"
        assert await place.sql(memberships, f'"{connection.user}"') == [0]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE accomplice",
        "CREATE DATABASE another",
        "ALTER ROLE {user} SUPERUSER",
        "ALTER ROLE {user} CREATEROLE",
        "ALTER ROLE {user} CONNECTION LIMIT -1",
        "COMMENT ON ROLE {user} IS 'unmarked'",
        "SET ROLE postgres",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
        "ALTER DATABASE {database} RENAME TO another",
        "CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION pg_catalog.version()",
    ],
)
async def test_the_tenant_has_no_way_to_more(place: Place, statement: str) -> None:
    async with (
        vended(place.provider, new_order()) as connection,
        tenant(connection) as session,
    ):
        with refused():
            await session.execute(filled(statement, connection))


async def test_the_tenant_cannot_take_more_places_than_it_has(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection, AsyncExitStack() as sessions:
        for _ in range(place.provider.server.connection_limit):
            await sessions.enter_async_context(tenant(connection))
        with refused(asyncpg.TooManyConnectionsError):
            await sessions.enter_async_context(tenant(connection))


async def test_provisioning_again_keeps_what_the_tenant_made(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        async with tenant(connection) as session:
            await session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await place.provider.provision(order)
        async with tenant(connection) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42
