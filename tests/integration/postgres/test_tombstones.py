"""A role that cannot be dropped blocks neither its name nor the quota, and is removed in parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres.dependents import AT_ONCE
from adapters.postgres.inspection import tombstone_name
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.privileges import MOST, PART, take_back_in_parts
from domain.connection import Connection
from domain.errors import DatabaseNotFound
from domain.provisioning import Holding, Order
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.obstacles import REFUSALS, crowd, filled, left_open, memberships, run
from tests.support.postgres_under_test import Place, bundle, operated, session, tenant
from tests.support.provision_requests import new_order
from tests.support.servers import CARELESS, bundled, operators_server

CROWD = 2 * AT_ONCE

SHARED = "CREATE TABLE shared (id int)"

POLICIES = """
DO $$ BEGIN FOR i IN 1..{number} LOOP
    EXECUTE format('CREATE POLICY p%s ON {table} TO {{user}}{others}', i);
    COMMIT;
END LOOP; END $$
"""
MANY = crowd("crowded", CROWD)
MORE_THAN_LOCKS = [
    "CREATE TABLE crowded (id int)",
    POLICIES.format(table="crowded", number=2_000, others=""),
]
FOR_BOTH = POLICIES.format(table="shared", number=CROWD, others=", CURRENT_USER")
GUARDED = "ALTER TABLE crowded ENABLE ROW LEVEL SECURITY"

TABLES = f"""
DO $$ BEGIN FOR i IN 1..{CROWD} LOOP
    EXECUTE format('CREATE TABLE {{schema}}.t%s (id serial); {{also}}', i, i, i);
    COMMIT;
END LOOP; END $$
"""
OWN_POLICY = "CREATE POLICY p ON t%s TO {user}; ALTER TABLE t%s ENABLE ROW LEVEL SECURITY"


@asynccontextmanager
async def named_by(place: Place, *statements: str) -> AsyncIterator[tuple[Order, Connection]]:
    """A tenant, deleted at the end, and a neighbour that ran the statements about it."""
    order = new_order()
    async with vended(place.provider, new_order()) as neighbour:
        connection = await place.provider.provision(order)
        await run(neighbour, *statements, about=connection)
        yield order, neighbour
        await swept(place, order)


async def swept(place: Place, order: Order) -> None:
    """Delete repeatedly until nothing is left, which takes a few calls at most."""
    for _ in range(4):
        tombstone = await place.provider.delete(order.tenant)
        if tombstone is None:
            assert await held(place.provider, order) == []
            return
    raise AssertionError(tombstone)


async def test_a_tombstone_frees_its_names_and_refuses_logins(place: Place) -> None:
    async with named_by(place, MANY) as (order, _):
        login = await place.provider.reveal(order)
        async with tenant(login) as opened:
            tombstone = await place.provider.delete(order.tenant)
            with pytest.raises(REFUSALS):
                await opened.execute("SELECT 1")

        name = tombstone_name(order.tenant.id)
        assert tombstone
        assert tombstone.role == name
        assert f"{CROWD} objects of" in tombstone.reason
        holding = Holding(id=order.tenant.id, database=None, owner=name, is_tombstone=True)
        assert await held(place.provider, order) == [holding]
        assert await place.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", name) == [
            False
        ]
        assert await memberships(place, replace(login, user=name)) == []
        async with vended(place.provider, namesake(order)) as connection:
            await PostgresLoginCheck().verify(connection)
        assert await held(place.provider, order) == [holding]


async def test_a_tombstone_is_found_by_its_mark_and_can_become_a_tenant_again(place: Place) -> None:
    async with named_by(place, MANY) as (order, _):
        await place.provider.delete(order.tenant)
        for call in (place.provider.rotate, place.provider.install):
            with pytest.raises(DatabaseNotFound):
                await call(order)
        await place.provider.suspend(order.tenant)
        await PostgresLoginCheck().verify(await place.provider.provision(order))
        assert await held(place.provider, order) == [holding_of(order)]
        await place.provider.delete(order.tenant)


FEW_LOCKS = {"max_locks_per_transaction": "10", "max_connections": "40"}


@asynccontextmanager
async def with_few_locks(major: int | None) -> AsyncIterator[Place]:
    if major is None:
        async with bundled(settings=CARELESS | FEW_LOCKS) as provider:
            yield bundle(provider)
    else:
        async with operators_server(major, **FEW_LOCKS) as server, operated(server) as place:
            yield place


@pytest.mark.parametrize("major", [15, 16, 18, None], ids=lambda major: major or "bundled")
async def test_more_objects_than_locks_are_removed_in_parts(major: int | None) -> None:
    """Policies that also apply to others only lose the role."""
    own = TABLES.format(schema="public", also=OWN_POLICY)
    named = [*MORE_THAN_LOCKS, GUARDED, SHARED, FOR_BOTH, own]
    async with (
        with_few_locks(major) as place,
        named_by(place, *named) as (order, neighbour),
    ):
        tombstone = await place.provider.delete(order.tenant)
        assert tombstone
        with pytest.raises(asyncpg.OutOfMemoryError):
            await place.sql(f"DROP OWNED BY {tombstone.role}", database=neighbour.database)
        await swept(place, order)

        rest = "SELECT count(*) FROM pg_policy WHERE polroles = ARRAY[$1::regrole::oid]"
        async with tenant(neighbour) as theirs:
            assert await theirs.fetchval(rest, neighbour.user) == CROWD
            assert await theirs.fetchval("SELECT count(*) FROM pg_policy") == CROWD
            guarded = "SELECT count(*) FROM pg_class WHERE relrowsecurity"
            assert await theirs.fetchval(guarded) == CROWD + 1


async def test_a_table_in_use_does_not_block_the_removal_of_other_objects(place: Place) -> None:
    own = TABLES.format(schema="public", also=OWN_POLICY)
    async with named_by(place, own) as (order, neighbour):
        tombstone = await place.provider.delete(order.tenant)
        assert tombstone
        async with left_open(neighbour, "SELECT FROM t1", "SELECT FROM t2") as used:
            left = await place.provider.delete(order.tenant)
            assert left
            assert "2 objects of" in left.reason
            await used.execute("SELECT FROM t1")


async def test_objects_in_a_neighbours_database_are_removed_in_parts_without_their_dependents(
    place: Place,
) -> None:
    let_in = "CREATE SCHEMA guests; GRANT ALL ON SCHEMA guests TO {user}; GRANT CONNECT ON DATABASE"
    async with named_by(place) as (order, neighbour):
        connection = await place.provider.reveal(order)
        await run(neighbour, f'{let_in} "{neighbour.database}" TO {{user}}', about=connection)
        async with tenant(connection, database=neighbour.database) as guest:
            await guest.execute(TABLES.format(schema="guests", also=""))
            await guest.execute(filled(f'GRANT ALL ON guests.t7 TO "{neighbour.user}"', connection))
        await run(neighbour, "CREATE VIEW seven AS SELECT * FROM guests.t7")
        await place.provider.delete(order.tenant)

        left = await place.provider.delete(order.tenant)
        assert left
        async with tenant(neighbour) as theirs:
            assert await theirs.fetch("SELECT * FROM seven") == []
            tables = "SELECT count(*) FROM pg_class WHERE relname ~ '^t\\d+$'"
            assert await theirs.fetchval(tables) == 1
            await theirs.execute("DROP VIEW seven")


PASSING_ON = [
    "GRANT SELECT ON shared TO {user}",
    "GRANT UPDATE (id) ON shared TO {user}",
    "GRANT USAGE ON SCHEMA public TO {user}",
    "GRANT EXECUTE ON FUNCTION one() TO {user}",
    "GRANT USAGE ON TYPE few TO {user}",
    "GRANT CONNECT ON DATABASE {own} TO {user}",
]


async def test_privileges_passed_on_by_a_third_tenant_are_revoked(place: Place) -> None:
    """Only the grantor can revoke them; the same call does."""
    async with vended(place.provider, new_order()) as third, named_by(place) as (order, neighbour):
        connection = await place.provider.reveal(order)
        passing_on = [each.replace("{own}", f'"{neighbour.database}"') for each in PASSING_ON]
        await run(
            neighbour,
            "CREATE TABLE shared (id int)",
            "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE DOMAIN few AS int",
            *(f"{statement} WITH GRANT OPTION" for statement in passing_on),
            about=third,
        )
        async with tenant(third, database=neighbour.database) as guest:
            for statement in passing_on:
                await guest.execute(filled(statement, connection))
            assert await place.provider.delete(order.tenant) is None
            assert await guest.fetch("SELECT FROM shared") == []


async def test_default_privileges_in_a_neighbours_database_are_removed_in_parts(
    place: Place,
) -> None:
    schemas = f"""
        DO $$ BEGIN FOR i IN 1..{CROWD} LOOP
            EXECUTE format('CREATE SCHEMA s%s; GRANT ALL ON SCHEMA s%s TO {{user}}', i, i);
        END LOOP; END $$
    """
    defaults = f"""
        DO $$ BEGIN FOR i IN 1..{CROWD} LOOP
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA s%s GRANT ALL ON TABLES TO PUBLIC, '
                           || current_user, i);
        END LOOP; END $$
    """
    async with named_by(place, schemas) as (order, neighbour):
        connection = await place.provider.reveal(order)
        let_in = f'GRANT CONNECT ON DATABASE "{neighbour.database}" TO {{user}}'
        await run(neighbour, let_in, about=connection)
        async with tenant(connection, database=neighbour.database) as guest:
            await guest.execute(defaults)
        assert await place.provider.delete(order.tenant)
        assert await place.provider.delete(order.tenant) is None


async def test_many_privileges_are_revoked_in_parts(place: Place) -> None:
    objects = f"""
        DO $$ DECLARE made oid; BEGIN FOR i IN 1..{MOST + PART} LOOP
            made := lo_create(0);
            EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO {{user}}', made);
            IF i % {PART} = 0 THEN COMMIT; END IF;
        END LOOP; END $$
    """
    async with named_by(place, objects) as (order, neighbour):
        owner, left = (
            order.tenant.names.owner,
            "SELECT count(*) FROM pg_shdepend WHERE classid = $1",
        )
        async with session(place.superuser, database=neighbour.database) as superuser:
            await take_back_in_parts(superuser, owner, place.provider.marks)
            named = "refobjid = (SELECT oid FROM pg_roles WHERE rolname = $2) AND deptype = 'a'"
            assert await superuser.fetchval(f"{left} AND {named}", 2613, owner) == PART
