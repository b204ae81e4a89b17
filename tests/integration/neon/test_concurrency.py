"""Concurrent creations on Neon: all succeed, each with its own database."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.targets import Isolation
from entrypoints.neon_emulator.behaviour import Behaviour
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.neon.checks import record_requests
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.service import ObservedService, assert_separate_databases, serving
from tests.support.provision_requests import unique_name


@pytest.fixture(scope="module")
async def busy() -> AsyncIterator[RunningEmulator]:
    async with running_emulator(Behaviour(operation_seconds=0.01), checked=False) as neon:
        yield neon


async def test_concurrent_creations_succeed_in_order(
    busy: RunningEmulator,
) -> None:
    requests = record_requests(busy)
    async with serving(busy, Isolation.NONE) as service:
        created = await _create_many(service, 12)

        assert requests.statuses().count(423) <= 1
        existing = [database.name for database in busy.emulator.first.databases.list_all()]
        requested = [each.database.names.database for each in created]
        assert [name for name in existing if name in requested] == requested
        await assert_separate_databases(created)
        await service.delete_all(created)
        assert await service.provider.inventory() == []


async def test_concurrent_creations_succeed_despite_foreign_locks(
    busy: RunningEmulator,
) -> None:
    requests = record_requests(busy)
    async with serving(busy, Isolation.NONE) as service:
        async with _random_locks(busy, seed=8):
            created = await _create_many(service, 8)

        assert 423 in requests.statuses(), "no request met a lock"
        await assert_separate_databases(created)
        await service.delete_all(created)
        assert await service.provider.inventory() == []


async def test_two_services_can_share_a_project(
    busy: RunningEmulator,
) -> None:
    async with serving(busy, Isolation.NONE) as one, serving(busy, Isolation.NONE) as two:
        created = await asyncio.gather(_create_many(one, 4), _create_many(two, 4))

        await assert_separate_databases([*created[0], *created[1]])
        await asyncio.gather(one.delete_all(created[0]), two.delete_all(created[1]))
        assert await one.provider.inventory() == []


async def _create_many(service: ObservedService, count: int) -> list[ProvisionedDatabase]:
    requests = [CreateRequest(nickname=unique_name()) for _ in range(count)]
    return list(await asyncio.gather(*map(service.create_database(), requests)))


@asynccontextmanager
async def _random_locks(neon: RunningEmulator, seed: int) -> AsyncIterator[None]:
    """Lock the project for short times at random, as operations of a second client do."""
    rng = random.Random(seed)  # noqa: S311

    async def lock() -> None:
        while True:
            neon.emulator.first.operations.lock(rng.uniform(0.02, 0.2))
            await asyncio.sleep(rng.uniform(0.2, 0.5))

    task = asyncio.create_task(lock())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        neon.emulator.first.operations.unlock()
