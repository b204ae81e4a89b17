"""Many vends at once on Neon: all succeed, each with a database of its own."""

from collections.abc import AsyncIterator

import pytest

from domain.target import Isolation
from tests.support.neon.crowds import (
    assert_each_has_its_own,
    crowd_of,
    crowded_neon,
    locking_at_random,
    made_order,
    refusals,
    retired,
    serving,
)
from tests.support.neon.emulator import RunningEmulator


@pytest.fixture(scope="module")
async def busy() -> AsyncIterator[RunningEmulator]:
    async with crowded_neon() as neon:
        yield neon


@pytest.mark.parametrize("many", [20, 50])
async def test_many_at_once_are_served_in_their_order_without_colliding(
    busy: RunningEmulator, many: int
) -> None:
    async with serving(busy, Isolation.NONE) as service:
        before = len(busy.emulator.exchanges)
        crowd = await crowd_of(many, service)

        assert refusals(busy, before) * 10 < many
        assert made_order(busy, crowd) == list(range(many))
        await assert_each_has_its_own(crowd)
        await retired(crowd)
        assert await service.provider.inventory() == []


@pytest.mark.parametrize("many", [20, 50])
async def test_many_at_once_are_served_although_somebody_else_locks_the_project(
    busy: RunningEmulator, many: int
) -> None:
    async with serving(busy, Isolation.NONE) as service:
        before = len(busy.emulator.exchanges)
        async with locking_at_random(busy, seed=many):
            crowd = await crowd_of(many, service)

        assert refusals(busy, before), "nobody was in the way"
        await assert_each_has_its_own(crowd)
        await retired(crowd)
        assert await service.provider.inventory() == []


async def test_two_services_share_a_project(busy: RunningEmulator) -> None:
    """Two queues: one's vends meet the other's locks."""
    async with serving(busy, Isolation.NONE) as one, serving(busy, Isolation.NONE) as other:
        crowd = await crowd_of(8, one, other)

        await assert_each_has_its_own(crowd)
        await retired(crowd)
        assert await one.provider.inventory() == []


async def test_many_at_once_are_served_by_sql(busy: RunningEmulator) -> None:
    async with serving(busy, Isolation.ROLE) as service:
        crowd = await crowd_of(20, service)

        await assert_each_has_its_own(crowd)
        await retired(crowd)
        assert await service.provider.inventory() == []


async def test_many_at_once_get_projects(busy: RunningEmulator) -> None:
    async with serving(busy, Isolation.PROJECT) as service:
        crowd = await crowd_of(6, service)

        await assert_each_has_its_own(crowd)
        await retired(crowd)
        assert list(busy.emulator.projects) == [busy.project_id]
