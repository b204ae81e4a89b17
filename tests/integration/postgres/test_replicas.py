"""Many services over one server: they share an installation's marks, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.errors import NameTaken, PgvendError
from tests.support.databases import held, holding_of, namesake, vended
from tests.support.orders import INSTALLATION, new_order, rotated
from tests.support.places import Place


async def test_replicas_that_fill_one_order_at_once_make_one_database(place: Place) -> None:
    order = new_order()
    async with _replica(place) as replica:
        calls = [provider.provision(order) for provider in (place.provider, replica) * 4]
        connections = await asyncio.gather(*calls)
        assert len(set(connections)) == 1
        assert await held(replica, order) == [holding_of(order)]
        await PostgresLoginCheck().verify(connections[0])
        await asyncio.gather(*[it.retire(order.tenant) for it in (place.provider, replica) * 2])


async def test_one_replica_rotates_and_retires_what_another_made(place: Place) -> None:
    order = new_order()
    async with _replica(place) as replica, vended(place.provider, order):
        await PostgresLoginCheck().verify(await replica.rotate(rotated(order)))
        await replica.retire(order.tenant)
        assert await place.has(order) == (False, False)


async def test_of_racing_replicas_with_one_name_one_wins(place: Place) -> None:
    first = new_order()
    orders = [first, namesake(first)]
    async with _replica(place) as replica:
        results = await asyncio.gather(
            place.provider.provision(orders[0]),
            replica.provision(orders[1]),
            return_exceptions=True,
        )
        assert {type(result) for result in results} == {Connection, NameTaken}
        for order in orders:
            await replica.retire(order.tenant)


async def test_making_and_dropping_at_once_ends_in_one_or_the_other(place: Place) -> None:
    order = new_order()
    async with _replica(place) as replica:
        for _ in range(5):
            made, dropped = await asyncio.gather(
                place.provider.provision(order),
                replica.retire(order.tenant),
                return_exceptions=True,
            )
            assert [it for it in (made, dropped) if isinstance(it, PgvendError)] == []
            role, database = await place.has(order)
            assert role == database
        await replica.retire(order.tenant)


async def test_another_installation_sees_and_touches_nothing_of_ours(place: Place) -> None:
    order = new_order()
    async with _replica(place, "another") as other, vended(place.provider, order) as connection:
        assert await other.inventory() == []
        await other.retire(order.tenant)
        await PostgresLoginCheck().verify(connection)


@asynccontextmanager
async def _replica(
    place: Place, installation: str = INSTALLATION
) -> AsyncIterator[PostgresProvider]:
    async with opened_provider(place.provider.server, installation) as replica:
        yield replica
