"""Every partial state that a crash can leave: provisioning completes it, deletion removes it."""

from collections.abc import Awaitable, Callable

import pytest

from adapters.postgres import statements
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.scram import create_scram_verifier
from domain.provisioning import InventoryItem, ProvisionRequest
from domain.secrets import Secret
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.obstacles import run
from tests.support.postgres_under_test import PostgresUnderTest, tenant_session
from tests.support.provision_requests import new_provision_request

PartialState = Callable[[PostgresUnderTest, ProvisionRequest], Awaitable[None]]


async def create_role_only(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    verifier = await create_scram_verifier(Secret("the password of an earlier attempt"))
    mark = postgres.provider.marks.of(provision_request.tenant)
    await postgres.provider.pool.execute(
        statements.create_role(provision_request.tenant, mark, verifier, 1)
    )


async def create_closed_database(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    await create_role_only(postgres, provision_request)
    await postgres.provider.pool.execute(
        statements.create_database(provision_request.tenant, "ENCODING 'UTF8'")
    )


async def leave_role(postgres: PostgresUnderTest, provision_request: ProvisionRequest) -> None:
    await disable_login(postgres, provision_request)
    await postgres.provider.pool.execute(
        f'DROP DATABASE "{provision_request.tenant.names.database}"'
    )


async def interrupt_drop(postgres: PostgresUnderTest, provision_request: ProvisionRequest) -> None:
    await disable_login(postgres, provision_request)
    name = provision_request.tenant.names.database
    await postgres.sql(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'")


async def leave_membership(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    await _provision_with_table(postgres, provision_request)
    await postgres.provider.pool.execute(
        f'GRANT "{provision_request.tenant.names.owner}" TO CURRENT_USER'
    )


async def disable_login(postgres: PostgresUnderTest, provision_request: ProvisionRequest) -> None:
    await _provision_with_table(postgres, provision_request)
    await postgres.provider.pool.execute(
        statements.disable_login(provision_request.tenant.names.owner)
    )


async def disable_login_and_close(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    await disable_login(postgres, provision_request)
    await postgres.sql(
        f'ALTER DATABASE "{provision_request.tenant.names.database}" ALLOW_CONNECTIONS false'
    )


EMPTY = [create_role_only, create_closed_database, leave_role, interrupt_drop]
WITH_DATA = [leave_membership, disable_login, disable_login_and_close]
WITHOUT_DATABASE = [create_role_only, leave_role]


@pytest.mark.parametrize("is_suspended", [False, True])
@pytest.mark.parametrize("create_state", EMPTY + WITH_DATA)
async def test_provisioning_completes_a_partial_database_and_keeps_its_data(
    postgres: PostgresUnderTest, create_state: PartialState, is_suspended: bool
) -> None:
    provision_request = new_provision_request()
    await create_state(postgres, provision_request)
    try:
        if is_suspended:
            await postgres.provider.suspend(provision_request.tenant)
        connection = await postgres.provider.provision(provision_request)
        await PostgresLoginCheck().verify(connection)
        assert await find_in_inventory(postgres.provider, provision_request) == [
            expected_item(provision_request)
        ]
        async with tenant_session(connection) as session:
            await session.execute("CREATE TABLE works (id int)")
            if create_state in WITH_DATA:
                assert await session.fetchval("SELECT answer FROM kept") == 42
    finally:
        await postgres.provider.delete(provision_request.tenant)


@pytest.mark.parametrize("create_state", EMPTY + WITH_DATA)
async def test_a_partial_database_is_in_the_inventory_and_is_removed_completely(
    postgres: PostgresUnderTest, create_state: PartialState
) -> None:
    provision_request = new_provision_request()
    await create_state(postgres, provision_request)
    role_only_item = InventoryItem(
        id=provision_request.tenant.id, database=None, owner=provision_request.tenant.names.owner
    )
    expected = (
        role_only_item if create_state in WITHOUT_DATABASE else expected_item(provision_request)
    )
    assert await find_in_inventory(postgres.provider, provision_request) == [expected]
    await postgres.provider.delete(provision_request.tenant)
    assert await find_in_inventory(postgres.provider, provision_request) == []
    assert await postgres.has(provision_request) == (False, False)


async def test_a_renamed_database_gets_its_names_back_and_keeps_its_data(
    postgres: PostgresUnderTest,
) -> None:
    """A spare has other names, and so has a database that an operator renamed."""
    provision_request, spare = new_provision_request(), new_provision_request().tenant.names
    names = provision_request.tenant.names
    await _provision_with_table(postgres, provision_request)
    await postgres.sql(f'ALTER ROLE "{names.owner}" RENAME TO "{spare.owner}"')
    await postgres.sql(f'ALTER DATABASE "{names.database}" RENAME TO "{spare.database}"')
    try:
        connection = await postgres.provider.provision(provision_request)
        assert await find_in_inventory(postgres.provider, provision_request) == [
            expected_item(provision_request)
        ]
        async with tenant_session(connection) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42
    finally:
        await postgres.provider.delete(provision_request.tenant)


async def test_provisioning_revokes_access_that_the_owner_granted_to_all(
    postgres: PostgresUnderTest,
) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(postgres.provider, provision_request) as connection:
        await run(connection, "GRANT ALL ON DATABASE {database} TO PUBLIC")
        await postgres.provider.provision(provision_request)
        [open_to_all] = await postgres.sql(
            "SELECT count(*) FROM pg_database, aclexplode(datacl) AS entry "
            "WHERE datname = $1 AND entry.grantee = 0",
            connection.database,
        )
        assert open_to_all == 0


async def _provision_with_table(
    postgres: PostgresUnderTest, provision_request: ProvisionRequest
) -> None:
    await run(
        await postgres.provider.provision(provision_request),
        "CREATE TABLE kept AS SELECT 42 AS answer",
    )
