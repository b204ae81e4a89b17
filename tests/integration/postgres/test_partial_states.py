"""Every partial state that a crash can leave: provisioning completes it, deletion removes it."""

from collections.abc import Awaitable, Callable

import pytest

from adapters.postgres import statements
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.scram import scram_verifier
from domain.provisioning import Holding, Order
from domain.secrets import Secret
from tests.support.databases import held, holding_of, vended
from tests.support.obstacles import run
from tests.support.postgres_under_test import Place, tenant
from tests.support.provision_requests import new_order

Half = Callable[[Place, Order], Awaitable[None]]


async def role_only(place: Place, order: Order) -> None:
    verifier = await scram_verifier(Secret("the password of an earlier attempt"))
    mark = place.provider.marks.of(order.tenant)
    await place.provider.pool.execute(statements.make_role(order.tenant, mark, verifier, 1))


async def closed_database(place: Place, order: Order) -> None:
    await role_only(place, order)
    await place.provider.pool.execute(statements.make_database(order.tenant, "ENCODING 'UTF8'"))


async def role_left(place: Place, order: Order) -> None:
    await shut_out(place, order)
    await place.provider.pool.execute(f'DROP DATABASE "{order.tenant.names.database}"')


async def interrupted_drop(place: Place, order: Order) -> None:
    await shut_out(place, order)
    name = order.tenant.names.database
    await place.sql(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'")


async def membership_left(place: Place, order: Order) -> None:
    await _with_a_table(place, order)
    await place.provider.pool.execute(f'GRANT "{order.tenant.names.owner}" TO CURRENT_USER')


async def shut_out(place: Place, order: Order) -> None:
    await _with_a_table(place, order)
    await place.provider.pool.execute(statements.shut_out(order.tenant.names.owner))


async def shut_out_and_closed(place: Place, order: Order) -> None:
    await shut_out(place, order)
    await place.sql(f'ALTER DATABASE "{order.tenant.names.database}" ALLOW_CONNECTIONS false')


EMPTY = [role_only, closed_database, role_left, interrupted_drop]
WITH_DATA = [membership_left, shut_out, shut_out_and_closed]
WITHOUT_DATABASE = [role_only, role_left]


@pytest.mark.parametrize("is_suspended", [False, True])
@pytest.mark.parametrize("half", EMPTY + WITH_DATA)
async def test_provisioning_completes_a_partial_database_and_keeps_its_data(
    place: Place, half: Half, is_suspended: bool
) -> None:
    order = new_order()
    await half(place, order)
    try:
        if is_suspended:
            await place.provider.suspend(order.tenant)
        connection = await place.provider.provision(order)
        await PostgresLoginCheck().verify(connection)
        assert await held(place.provider, order) == [holding_of(order)]
        async with tenant(connection) as session:
            await session.execute("CREATE TABLE works (id int)")
            if half in WITH_DATA:
                assert await session.fetchval("SELECT answer FROM kept") == 42
    finally:
        await place.provider.delete(order.tenant)


@pytest.mark.parametrize("half", EMPTY + WITH_DATA)
async def test_a_partial_database_is_in_the_inventory_and_is_removed_completely(
    place: Place, half: Half
) -> None:
    order = new_order()
    await half(place, order)
    alone = Holding(id=order.tenant.id, database=None, owner=order.tenant.names.owner)
    there_is = alone if half in WITHOUT_DATABASE else holding_of(order)
    assert await held(place.provider, order) == [there_is]
    await place.provider.delete(order.tenant)
    assert await held(place.provider, order) == []
    assert await place.has(order) == (False, False)


async def test_a_renamed_database_gets_its_names_back_and_keeps_its_data(place: Place) -> None:
    """A spare has other names, and so has a database that an operator renamed."""
    order, spare = new_order(), new_order().tenant.names
    names = order.tenant.names
    await _with_a_table(place, order)
    await place.sql(f'ALTER ROLE "{names.owner}" RENAME TO "{spare.owner}"')
    await place.sql(f'ALTER DATABASE "{names.database}" RENAME TO "{spare.database}"')
    try:
        connection = await place.provider.provision(order)
        assert await held(place.provider, order) == [holding_of(order)]
        async with tenant(connection) as session:
            assert await session.fetchval("SELECT answer FROM kept") == 42
    finally:
        await place.provider.delete(order.tenant)


async def test_provisioning_revokes_access_that_the_owner_granted_to_all(place: Place) -> None:
    order = new_order()
    async with vended(place.provider, order) as connection:
        await run(connection, "GRANT ALL ON DATABASE {database} TO PUBLIC")
        await place.provider.provision(order)
        [open_to_all] = await place.sql(
            "SELECT count(*) FROM pg_database, aclexplode(datacl) AS entry "
            "WHERE datname = $1 AND entry.grantee = 0",
            connection.database,
        )
        assert open_to_all == 0


async def _with_a_table(place: Place, order: Order) -> None:
    await run(await place.provider.provision(order), "CREATE TABLE kept AS SELECT 42 AS answer")
