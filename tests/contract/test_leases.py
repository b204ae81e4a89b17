"""The contract of the leases in one process, and of the installation."""

import asyncio
from dataclasses import replace

import pytest

from adapters.registry.stores import Stores
from domain.database import TEMPLATE_SHAPE
from domain.lifecycle import State
from ports.driven.installation import Installation
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from tests.support.records import ELSEWHERE, TARGET, new_record


async def test_a_lease_has_one_holder_at_a_time(leases: Leases) -> None:
    for name in ("db_1", "", "'; --", "Ü" * 100):
        async with leases.acquire(name) as is_acquired:
            assert is_acquired
            for _ in range(2):  # a failed attempt releases nothing
                async with leases.acquire(name) as is_mine_too:
                    assert not is_mine_too
        async with leases.acquire(name) as is_free_again:
            assert is_free_again


async def test_a_failed_body_releases_the_lease(leases: Leases) -> None:
    with pytest.raises(RuntimeError):
        async with leases.acquire("one"):
            raise RuntimeError

    async with leases.acquire("one") as is_acquired:
        assert is_acquired


async def test_a_cancelled_body_releases_the_lease(leases: Leases) -> None:
    acquire = asyncio.Event()
    task = asyncio.create_task(_hold(leases, acquire))
    await acquire.wait()

    await _assert_free_after(leases, task)


async def test_a_cancelled_acquisition_releases_the_lease(leases: Leases) -> None:
    for moment in range(30):
        task = asyncio.create_task(_hold(leases, asyncio.Event()))
        for _ in range(moment):
            await asyncio.sleep(0)

        await _assert_free_after(leases, task)


async def test_of_concurrent_calls_for_a_lease_one_acquires_it(leases: Leases) -> None:
    everybody = asyncio.Barrier(10)

    async def try_to_acquire() -> bool:
        async with leases.acquire("one") as is_acquired:
            await everybody.wait()
            return is_acquired

    async with asyncio.timeout(20):
        assert sum(await asyncio.gather(*(try_to_acquire() for _ in range(10)))) == 1


async def test_many_leases_can_be_held_at_the_same_time(leases: Leases) -> None:
    everybody = asyncio.Barrier(30)

    async def acquire(number: int) -> bool:
        async with leases.acquire(f"number {number}") as is_acquired:
            await everybody.wait()
            return is_acquired

    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*map(acquire, range(30))))


async def _hold(leases: Leases, acquire: asyncio.Event) -> None:
    async with leases.acquire("one"):
        acquire.set()
        await asyncio.Event().wait()


async def _assert_free_after(leases: Leases, task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with leases.acquire("one") as is_acquired:
        assert is_acquired


@pytest.fixture
def installation(stores: Stores) -> Installation:
    return stores.installation


@pytest.mark.parametrize("has_records", [False, True])
async def test_the_first_name_of_an_installation_is_stored(
    installation: Installation, registry: Registry, has_records: bool
) -> None:
    """Even before the first record: another replica may be provisioning with it."""
    if has_records:
        await registry.add(new_record())
    for name in ("one", "two", "one"):
        assert await installation.name(name) == "one"


async def test_concurrent_first_names_agree_on_one(installation: Installation) -> None:
    names = await asyncio.gather(*(installation.name(str(number % 5)) for number in range(10)))

    assert len(set(names)) == 1


async def test_live_records_are_counted_by_secret(
    installation: Installation, registry: Registry
) -> None:
    """Without records that are gone, of another target, or of templates and spares: nobody logs in
    to these."""
    for state in (State.FAILED, State.DELETED):
        await registry.add(replace(new_record(state=state), secret="one"))
    await registry.add(new_record(target=ELSEWHERE))
    await registry.add(replace(new_record(state=State.TEMPLATE), shape=TEMPLATE_SHAPE))
    assert dict(await installation.count_by_secret(TARGET.name)) == {}

    for secret in ("", "one", "two", "two"):
        await registry.add(replace(new_record(), secret=secret))
    assert dict(await installation.count_by_secret(TARGET.name)) == {"": 1, "one": 1, "two": 2}


async def test_a_record_keeps_the_name_of_its_secret(registry: Registry) -> None:
    record = await registry.add(replace(new_record(), secret="one"))
    assert (await registry.get(record.id)).secret == "one"

    await registry.update(replace(record, secret="two"))
    assert (await registry.get(record.id)).secret == "two"
