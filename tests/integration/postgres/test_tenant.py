"""A tenant's view of its database, and the objects that provisioning creates.

`tests/security` tries to reach everything else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import NameTaken
from tests.support.databases import namesake, vended
from tests.support.obstacles import memberships, run
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import INSTALLATION, new_order, rotated

CAN = [
    "CREATE TABLE made (id int PRIMARY KEY); INSERT INTO made VALUES (1)",
    "CREATE SCHEMA own CREATE TABLE made (id int)",
    "CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "CREATE TEMP TABLE passing (id int)",
    "CREATE VIEW seen AS SELECT 1",
    "ALTER SCHEMA public RENAME TO mine",
    "COMMENT ON DATABASE {database} IS 'mine'",
    "VACUUM",
]


async def test_the_tenant_owns_its_database_and_works_in_it(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        found = await place.sql(
            "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1",
            connection.database,
        )
        assert found == [connection.user]
        await run(connection, *CAN)


async def test_only_the_owner_has_privileges_and_only_on_its_database(place: Place) -> None:
    async with vended(place.provider, new_order()) as connection:
        granted = await place.sql(
            "SELECT pg_get_userbyid(entry.grantee)::text, entry.privilege_type "
            "FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry "
            "WHERE datname = $1",
            connection.database,
        )
        privileges = ("CONNECT", "CREATE", "TEMPORARY")
        assert sorted(granted) == [(connection.user, each) for each in privileges]
        attributes = await place.sql(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, "
            "rolbypassrls, rolconnlimit FROM pg_roles WHERE rolname = $1",
            connection.user,
        )
        limit = place.provider.server.connection_limit
        assert attributes == [(True, False, False, False, False, False, limit)]
        of_others = "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole"
        assert await place.sql(of_others, f'"{connection.user}"') == [0]


async def test_provisioning_again_keeps_the_tenants_data(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await run(connection, "CREATE TABLE kept AS SELECT 42 AS answer")
        await place.provider.provision(order)
        async with tenant(connection) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42


async def test_provisioning_leaves_marks_a_verifier_and_no_membership(place: Place) -> None:
    order = new_order()
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    async with vended(place.provider, order) as connection:
        marks = await place.sql(
            "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1 UNION ALL "
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $2",
            connection.user,
            connection.database,
        )
        assert marks == [f"pgvend:{INSTALLATION}:{order.tenant.id}"] * 2
        [first] = await place.sql(verifier, connection.user)
        assert first.startswith("SCRAM-SHA-256$4096:")

        await place.provider.provision(order)
        assert await place.sql(verifier, connection.user) != [first], "a salt of its own"
        assert await memberships(place, connection) == []


async def test_the_servers_log_contains_no_password(place: Place) -> None:
    order = new_order()
    passwords = [order.password.reveal(), rotated(order).password.reveal()]
    async with _logging_everything(place):
        async with vended(place.provider, order):
            await place.provider.rotate(rotated(order))
            with pytest.raises(NameTaken):
                await place.provider.provision(namesake(order))
        await _lose_a_race(place)
        log = place.log.read_text()
    assert order.tenant.names.owner in log
    assert [password for password in passwords if password in log] == []


async def _lose_a_race(place: Place) -> None:
    """Run two provisions with the same name: one fails in CREATE ROLE, and the server logs that
    statement."""
    order = new_order()
    orders = [order, namesake(order)]
    try:
        results = await asyncio.gather(
            *(place.provider.provision(order) for order in orders), return_exceptions=True
        )
        assert NameTaken in map(type, results)
    finally:
        for order in orders:
            await place.provider.delete(order.tenant)


@asynccontextmanager
async def _logging_everything(place: Place) -> AsyncIterator[None]:
    await place.sql("ALTER SYSTEM SET log_statement = 'all'")
    await place.sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await place.sql("ALTER SYSTEM RESET log_statement")
        await place.sql("SELECT pg_reload_conf()")
