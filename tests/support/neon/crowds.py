"""Many vends at once on the emulator, and others who are at work there too."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from domain.states import State
from domain.target import Isolation
from entrypoints.neon_emulator.behaviour import Behaviour
from ports.driven.registry import Query
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import vending_on
from tests.support.neon.service import Watched
from tests.support.orders import unique_name

Crowd = Sequence[tuple[Watched, Vended]]
"""In the order of their requests, each with the service that it was asked of."""

LOCKED = 423


@asynccontextmanager
async def crowded_neon() -> AsyncIterator[RunningEmulator]:
    """Whose operations take as long as a compute's shortest."""
    async with running_emulator(Behaviour(operation_seconds=0.03), checked=False) as neon:
        yield neon


@asynccontextmanager
async def serving(neon: RunningEmulator, isolation: Isolation) -> AsyncIterator[Watched]:
    async with vending_on(neon, isolation) as provider:
        yield Watched(isolation, provider, SystemClock())


async def crowd_of(many: int, *services: Watched) -> Crowd:
    """So many vends of each service, all at once."""
    asked = [service for _ in range(many) for service in services]
    vends = [service.vend()(VendRequest(nickname=unique_name())) for service in asked]
    return list(zip(asked, await asyncio.gather(*vends), strict=True))


async def assert_each_has_its_own(crowd: Crowd) -> None:
    connections = [vended.connection for _, vended in crowd]
    places = {(each.host, each.port, each.database, each.user) for each in connections}
    assert len(places) == len(crowd)
    for connection in connections:
        await PostgresLoginCheck().verify(connection)


async def retired(crowd: Crowd) -> None:
    """All of them; what is held afterwards, nobody promised to drop."""
    await asyncio.gather(*(service.retire(vended.database) for service, vended in crowd))
    for service in {id(service): service for service, _ in crowd}.values():
        records = await service.registry.search(Query(limit=1000))
        assert {record.state for record in records} == {State.RETIRED}


def made_order(neon: RunningEmulator, crowd: Crowd) -> list[int]:
    """The crowd's numbers in the order in which their databases were made."""
    numbers = {vended.database.names.database: at for at, (_, vended) in enumerate(crowd)}
    made = [database.name for database in neon.emulator.first.databases.all()]
    return [numbers[name] for name in made if name in numbers]


def refusals(neon: RunningEmulator, since: int) -> int:
    """How often the project was found locked, after so many exchanges."""
    return sum(status == LOCKED for _, _, status in list(neon.emulator.exchanges)[since:])


@asynccontextmanager
async def locking_at_random(neon: RunningEmulator, seed: int) -> AsyncIterator[None]:
    """A second client's operations: short ones, at moments that nobody foresees."""
    task = asyncio.create_task(_lock_at_random(neon, random.Random(seed)))  # noqa: S311
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        neon.emulator.first.operations.release()


async def _lock_at_random(neon: RunningEmulator, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0.3, 1.0))
        neon.emulator.first.operations.hold(chance.uniform(0.02, 0.2))
