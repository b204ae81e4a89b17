"""One call at a time for each tenant; and no lock is kept for tenants whom nobody calls for."""

import asyncio

import pytest

from adapters.neon.tenant_locks import TenantLocks


async def test_calls_for_one_tenant_have_their_turns_in_their_order() -> None:
    locks, order, inside = TenantLocks(), list[int](), 0

    async def call(number: int) -> None:
        nonlocal inside
        async with locks.of("db_1"):
            inside += 1
            assert inside == 1
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*map(call, range(20)))

    assert order == list(range(20))


async def test_calls_for_different_tenants_do_not_wait_and_no_lock_is_kept() -> None:
    locks = TenantLocks()
    everybody = asyncio.Barrier(50)

    async def call(number: int) -> None:
        async with locks.of(f"db_{number}"):
            await everybody.wait()
        async with locks.of(f"db_{number % 5}"):
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*map(call, range(50)))

    assert _kept(locks) == 0


async def test_no_lock_is_kept_after_an_error() -> None:
    locks = TenantLocks()

    with pytest.raises(LookupError):
        async with locks.of("db_1"):
            raise LookupError

    assert _kept(locks) == 0


@pytest.mark.parametrize("cancelled", [0, 1], ids=["inside", "waiting"])
async def test_who_is_cancelled_leaves_the_lock_to_the_others(cancelled: int) -> None:
    locks, let_go, done = TenantLocks(), asyncio.Event(), list[int]()

    async def call(number: int) -> None:
        async with locks.of("db_1"):
            await let_go.wait()
            done.append(number)

    calls = [asyncio.ensure_future(call(number)) for number in range(3)]
    await asyncio.sleep(0)
    calls[cancelled].cancel()
    let_go.set()
    await asyncio.gather(*calls, return_exceptions=True)

    assert done == [number for number in range(3) if number != cancelled]
    assert _kept(locks) == 0


def _kept(locks: TenantLocks) -> int:
    return len(locks._locks) + len(locks._users)
