"""What all leases promise within one process; what they promise between processes is tested where
there are several."""

import asyncio

import pytest

from ports.driven.leases import Leases


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
