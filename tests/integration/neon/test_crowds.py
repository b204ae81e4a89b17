"""Many vends at once on Neon: all succeed, each with a database of its own."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.target import Isolation
from entrypoints.neon_emulator.behaviour import Behaviour
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.neon.checks import requests_to
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.service import Watched, assert_each_has_its_own, serving
from tests.support.orders import unique_name


@pytest.fixture(scope="module")
async def busy() -> AsyncIterator[RunningEmulator]:
    async with running_emulator(Behaviour(operation_seconds=0.01), checked=False) as neon:
        yield neon


async def test_concurrent_creations_succeed_in_order(
    busy: RunningEmulator,
) -> None:
    asked = requests_to(busy)
    async with serving(busy, Isolation.NONE) as service:
        vended = await _crowd(service, 12)

        assert asked.statuses().count(423) <= 1
        made = [database.name for database in busy.emulator.first.databases.all()]
        ordered = [each.database.names.database for each in vended]
        assert [name for name in made if name in ordered] == ordered
        await assert_each_has_its_own(vended)
        await service.delete_all(vended)
        assert await service.provider.inventory() == []


async def test_concurrent_creations_succeed_despite_foreign_locks(
    busy: RunningEmulator,
) -> None:
    asked = requests_to(busy)
    async with serving(busy, Isolation.NONE) as service:
        async with _locked_at_random(busy, seed=8):
            vended = await _crowd(service, 8)

        assert 423 in asked.statuses(), "nobody was in the way"
        await assert_each_has_its_own(vended)
        await service.delete_all(vended)
        assert await service.provider.inventory() == []


async def test_two_services_can_share_a_project(
    busy: RunningEmulator,
) -> None:
    async with serving(busy, Isolation.NONE) as one, serving(busy, Isolation.NONE) as two:
        crowds = await asyncio.gather(_crowd(one, 4), _crowd(two, 4))

        await assert_each_has_its_own([*crowds[0], *crowds[1]])
        await asyncio.gather(one.delete_all(crowds[0]), two.delete_all(crowds[1]))
        assert await one.provider.inventory() == []


async def _crowd(service: Watched, many: int) -> list[Vended]:
    requests = [VendRequest(nickname=unique_name()) for _ in range(many)]
    return list(await asyncio.gather(*map(service.vend(), requests)))


@asynccontextmanager
async def _locked_at_random(neon: RunningEmulator, seed: int) -> AsyncIterator[None]:
    """By a second client's operations: short ones, at moments that nobody foresees."""
    chance = random.Random(seed)  # noqa: S311

    async def lock() -> None:
        while True:
            neon.emulator.first.operations.hold(chance.uniform(0.02, 0.2))
            await asyncio.sleep(chance.uniform(0.2, 0.5))

    task = asyncio.create_task(lock())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        neon.emulator.first.operations.release()
