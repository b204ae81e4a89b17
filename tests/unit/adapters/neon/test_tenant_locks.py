"""Locks that allow one call at a time for each tenant."""

import asyncio

import pytest

from adapters.neon.tenant_locks import TenantLocks


async def test_calls_for_one_tenant_run_one_by_one_in_order() -> None:
    locks, order, inside = TenantLocks(), list[int](), 0

    async def call(number: int) -> None:
        nonlocal inside
        async with locks.hold("db_1"):
            inside += 1
            assert inside == 1
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*map(call, range(20)))

    assert order == list(range(20))


async def test_calls_for_different_tenants_run_at_once_and_leave_no_lock() -> None:
    locks = TenantLocks()
    all_calls = asyncio.Barrier(50)

    async def call(number: int) -> None:
        async with locks.hold(f"db_{number}"):
            await all_calls.wait()
        async with locks.hold(f"db_{number % 5}"):
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*map(call, range(50)))

    assert _count_entries(locks) == 0


@pytest.mark.parametrize("cancelled", [0, 1], ids=["inside", "waiting"])
async def test_a_cancelled_call_releases_the_lock(cancelled: int) -> None:
    locks, proceed, done = TenantLocks(), asyncio.Event(), list[int]()

    async def call(number: int) -> None:
        async with locks.hold("db_1"):
            await proceed.wait()
            done.append(number)

    calls = [asyncio.ensure_future(call(number)) for number in range(3)]
    await asyncio.sleep(0)
    calls[cancelled].cancel()
    proceed.set()
    await asyncio.gather(*calls, return_exceptions=True)

    assert done == [number for number in range(3) if number != cancelled]
    assert _count_entries(locks) == 0


def _count_entries(locks: TenantLocks) -> int:
    return len(locks._locks) + len(locks._users)
