"""What every registry promises about leases, in one process, and knows of the installation."""

import asyncio
from dataclasses import replace

import pytest

from adapters.registry.opening import Opened
from domain.states import State
from ports.driven.installation import Installation
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from tests.support.records import ELSEWHERE, TARGET, new_record


async def test_a_lease_is_held_once_at_a_time(leases: Leases) -> None:
    for name in ("db_1", "", "'; --", "Ü" * 100):
        async with leases.held(name) as is_mine:
            assert is_mine
            for _ in range(2):  # who did not get it takes nothing away
                async with leases.held(name) as is_mine_too:
                    assert not is_mine_too
        async with leases.held(name) as is_free_again:
            assert is_free_again


async def test_a_lease_is_free_again_after_a_body_that_failed(leases: Leases) -> None:
    with pytest.raises(RuntimeError):
        async with leases.held("one"):
            raise RuntimeError

    async with leases.held("one") as is_mine:
        assert is_mine


async def test_a_lease_is_free_again_after_a_body_that_was_cancelled(leases: Leases) -> None:
    held = asyncio.Event()
    task = asyncio.create_task(_hold(leases, held))
    await held.wait()

    await _assert_free_after(leases, task)


async def test_a_lease_is_free_again_whenever_its_taking_was_cancelled(leases: Leases) -> None:
    for moment in range(30):
        task = asyncio.create_task(_hold(leases, asyncio.Event()))
        for _ in range(moment):
            await asyncio.sleep(0)

        await _assert_free_after(leases, task)


async def test_of_many_who_want_one_at_once_one_gets_it(leases: Leases) -> None:
    everybody = asyncio.Barrier(10)

    async def wanted() -> bool:
        async with leases.held("one") as is_mine:
            await everybody.wait()
            return is_mine

    async with asyncio.timeout(20):
        assert sum(await asyncio.gather(*(wanted() for _ in range(10)))) == 1


async def test_many_leases_are_held_at_once(leases: Leases) -> None:
    everybody = asyncio.Barrier(30)

    async def held(number: int) -> bool:
        async with leases.held(f"number {number}") as is_mine:
            await everybody.wait()
            return is_mine

    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*map(held, range(30))))


async def _hold(leases: Leases, held: asyncio.Event) -> None:
    async with leases.held("one"):
        held.set()
        await asyncio.Event().wait()


async def _assert_free_after(leases: Leases, task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with leases.held("one") as is_mine:
        assert is_mine


@pytest.fixture
def installation(opened: Opened) -> Installation:
    return opened.installation


@pytest.mark.parametrize("has_records", [False, True])
async def test_the_first_name_is_kept(
    installation: Installation, registry: Registry, has_records: bool
) -> None:
    """From before the first record on: another replica may be making that one under it."""
    if has_records:
        await registry.add(new_record())
    for name in ("one", "two", "one"):
        assert await installation.name(name) == "one"


async def test_the_first_of_racing_names_is_everybodys(installation: Installation) -> None:
    names = await asyncio.gather(*(installation.name(str(number % 5)) for number in range(10)))

    assert len(set(names)) == 1


async def test_records_are_counted_by_the_secret_that_they_name(
    installation: Installation, registry: Registry
) -> None:
    """But for what is gone, or on another target."""
    for state in (State.FAILED, State.DELETED):
        await registry.add(replace(new_record(state=state), secret="one"))
    await registry.add(new_record(target=ELSEWHERE))
    assert dict(await installation.count_by_secret(TARGET.name)) == {}

    for secret in ("", "one", "two", "two"):
        await registry.add(replace(new_record(), secret=secret))
    assert dict(await installation.count_by_secret(TARGET.name)) == {"": 1, "one": 1, "two": 2}


async def test_a_record_keeps_the_secret_that_it_names(registry: Registry) -> None:
    kept = await registry.add(replace(new_record(), secret="one"))
    assert (await registry.get(kept.id)).secret == "one"

    await registry.update(replace(kept, secret="two"))
    assert (await registry.get(kept.id)).secret == "two"
