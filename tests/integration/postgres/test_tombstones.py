"""A role that cannot be dropped blocks neither its name nor the quota, and is removed in parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from adapters.postgres.dependents import MAX_OBJECTS_AT_ONCE
from adapters.postgres.inspection import build_tombstone_name
from adapters.postgres.login_check import PostgresLoginCheck
from domain.errors import DatabaseNotFound
from domain.provisioning import InventoryItem
from tests.support.databases import (
    expected_item,
    find_in_inventory,
    provisioned_database,
    request_for_same_names,
)
from tests.support.obstacles import (
    REFUSALS,
    create_many_policies,
    delete_completely,
    fetch_memberships,
    fill_names,
    open_transaction,
    run,
    tenant_with_references,
)
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    bundled_under_test,
    operators_under_test,
    tenant_session,
)
from tests.support.servers import FAST, bundled, operators_server

MANY_POLICIES = 2 * MAX_OBJECTS_AT_ONCE

SHARED = "CREATE TABLE shared (id int)"

POLICIES = """
DO $$ BEGIN FOR i IN 1..{number} LOOP
    EXECUTE format('CREATE POLICY p%s ON {table} TO {{user}}{others}', i);
    COMMIT;
END LOOP; END $$
"""
CREATE_MANY = create_many_policies("policies", MANY_POLICIES)
MORE_THAN_LOCKS = [
    "CREATE TABLE policies (id int)",
    POLICIES.format(table="policies", number=2_000, others=""),
]
FOR_BOTH = POLICIES.format(table="shared", number=MANY_POLICIES, others=", CURRENT_USER")
GUARDED = "ALTER TABLE policies ENABLE ROW LEVEL SECURITY"

TABLES = f"""
DO $$ BEGIN FOR i IN 1..{MANY_POLICIES} LOOP
    EXECUTE format('CREATE TABLE {{schema}}.t%s (id serial); {{also}}', i, i, i);
    COMMIT;
END LOOP; END $$
"""
OWN_POLICY = "CREATE POLICY p ON t%s TO {user}; ALTER TABLE t%s ENABLE ROW LEVEL SECURITY"


async def test_a_tombstone_frees_its_names_and_refuses_logins(postgres: PostgresUnderTest) -> None:
    async with tenant_with_references(postgres, CREATE_MANY) as (provision_request, _):
        login = await postgres.provider.reveal(provision_request)
        async with tenant_session(login) as opened:
            tombstone = await postgres.provider.delete(provision_request.tenant)
            with pytest.raises(REFUSALS):
                await opened.execute("SELECT 1")

        name = build_tombstone_name(provision_request.tenant.id)
        assert tombstone
        assert tombstone.role == name
        assert f"{MANY_POLICIES} objects of" in tombstone.reason
        assert "and others" not in tombstone.reason
        inventory_item = InventoryItem(
            id=provision_request.tenant.id, database=None, owner=name, is_tombstone=True
        )
        assert await find_in_inventory(postgres.provider, provision_request) == [inventory_item]
        assert await postgres.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", name) == [
            False
        ]
        assert await fetch_memberships(postgres, replace(login, user=name)) == []
        async with provisioned_database(
            postgres.provider, request_for_same_names(provision_request)
        ) as connection:
            await PostgresLoginCheck().verify(connection)
        assert await find_in_inventory(postgres.provider, provision_request) == [inventory_item]


async def test_a_tombstone_is_found_by_its_mark_and_can_become_a_tenant_again(
    postgres: PostgresUnderTest,
) -> None:
    async with tenant_with_references(postgres, CREATE_MANY) as (provision_request, _):
        await postgres.provider.delete(provision_request.tenant)
        for call in (postgres.provider.rotate, postgres.provider.install):
            with pytest.raises(DatabaseNotFound):
                await call(provision_request)
        await postgres.provider.suspend(provision_request.tenant)
        await PostgresLoginCheck().verify(await postgres.provider.provision(provision_request))
        assert await find_in_inventory(postgres.provider, provision_request) == [
            expected_item(provision_request)
        ]
        await postgres.provider.delete(provision_request.tenant)


FEW_LOCKS = {"max_locks_per_transaction": "10", "max_connections": "40"}


@asynccontextmanager
async def with_few_locks(major: int | None) -> AsyncIterator[PostgresUnderTest]:
    if major is None:
        async with bundled(settings=FAST | FEW_LOCKS) as provider:
            yield bundled_under_test(provider)
    else:
        async with (
            operators_server(major, **FEW_LOCKS) as server,
            operators_under_test(server) as postgres,
        ):
            yield postgres


@pytest.mark.parametrize("major", [15, 16, 18, None], ids=lambda major: major or "bundled")
async def test_more_objects_than_locks_are_removed_in_parts(major: int | None) -> None:
    """Policies that also apply to others lose only the role."""
    own_tables = TABLES.format(schema="public", also=OWN_POLICY)
    named = [*MORE_THAN_LOCKS, GUARDED, SHARED, FOR_BOTH, own_tables]
    async with (
        with_few_locks(major) as postgres,
        tenant_with_references(postgres, *named) as (provision_request, neighbour),
    ):
        tombstone = await postgres.provider.delete(provision_request.tenant)
        assert tombstone
        with pytest.raises(asyncpg.OutOfMemoryError):
            await postgres.sql(f"DROP OWNED BY {tombstone.role}", database=neighbour.database)
        await delete_completely(postgres, provision_request)

        rest = "SELECT count(*) FROM pg_policy WHERE polroles = ARRAY[$1::regrole::oid]"
        async with tenant_session(neighbour) as neighbours_session:
            assert await neighbours_session.fetchval(rest, neighbour.user) == MANY_POLICIES
            assert (
                await neighbours_session.fetchval("SELECT count(*) FROM pg_policy") == MANY_POLICIES
            )
            guarded = "SELECT count(*) FROM pg_class WHERE relrowsecurity"
            assert await neighbours_session.fetchval(guarded) == MANY_POLICIES + 1


async def test_a_table_in_use_does_not_block_the_removal_of_other_objects(
    postgres: PostgresUnderTest,
) -> None:
    own_tables = TABLES.format(schema="public", also=OWN_POLICY)
    async with tenant_with_references(postgres, own_tables) as (provision_request, neighbour):
        tombstone = await postgres.provider.delete(provision_request.tenant)
        assert tombstone
        async with open_transaction(neighbour, "SELECT FROM t1", "SELECT FROM t2") as holder:
            rest = await postgres.provider.delete(provision_request.tenant)
            assert rest
            assert "2 objects of" in rest.reason
            await holder.execute("SELECT FROM t1")


async def test_objects_in_a_neighbours_database_are_removed_in_parts_without_their_dependents(
    postgres: PostgresUnderTest,
) -> None:
    grant = "CREATE SCHEMA guests; GRANT ALL ON SCHEMA guests TO {user}; GRANT CONNECT ON DATABASE"
    async with tenant_with_references(postgres) as (provision_request, neighbour):
        connection = await postgres.provider.reveal(provision_request)
        await run(neighbour, f'{grant} "{neighbour.database}" TO {{user}}', about=connection)
        async with tenant_session(connection, database=neighbour.database) as guest:
            await guest.execute(TABLES.format(schema="guests", also=""))
            await guest.execute(
                fill_names(f'GRANT ALL ON guests.t7 TO "{neighbour.user}"', connection)
            )
        await run(neighbour, "CREATE VIEW seven AS SELECT * FROM guests.t7")
        await postgres.provider.delete(provision_request.tenant)

        rest = await postgres.provider.delete(provision_request.tenant)
        assert rest
        async with tenant_session(neighbour) as neighbours_session:
            assert await neighbours_session.fetch("SELECT * FROM seven") == []
            tables = "SELECT count(*) FROM pg_class WHERE relname ~ '^t\\d+$'"
            assert await neighbours_session.fetchval(tables) == 1
            await neighbours_session.execute("DROP VIEW seven")
