"""One call at a time for each tenant; and no lock is kept for tenants whom nobody calls for."""

import asyncio

import pytest

from adapters.neon.tenant_locks import TenantLocks


async def test_calls_for_one_tenant_do_not_overlap() -> None:
    locks, inside, most = TenantLocks(), 0, 0

    async def call() -> None:
        nonlocal inside, most
        async with locks.of("db_1"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(call() for _ in range(20)))

    assert most == 1


async def test_calls_have_their_turns_in_their_order() -> None:
    locks, order = TenantLocks(), list[int]()

    async def call(number: int) -> None:
        async with locks.of("db_1"):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*map(call, range(20)))

    assert order == list(range(20))


async def test_calls_for_different_tenants_do_not_wait_for_each_other() -> None:
    locks = TenantLocks()

    async with locks.of("db_1"), asyncio.timeout(20), locks.of("db_2"):
        pass


async def test_no_lock_is_kept() -> None:
    locks = TenantLocks()

    async def call(number: int) -> None:
        async with locks.of(f"db_{number % 5}"):
            await asyncio.sleep(0)

    await asyncio.gather(*map(call, range(50)))

    assert _kept(locks) == 0


async def test_no_lock_is_kept_after_an_error() -> None:
    locks = TenantLocks()

    with pytest.raises(LookupError):
        async with locks.of("db_1"):
            raise LookupError

    assert _kept(locks) == 0


async def test_who_is_cancelled_while_waiting_leaves_the_lock_to_the_others() -> None:
    locks, let_go, done = TenantLocks(), asyncio.Event(), list[int]()

    async def call(number: int) -> None:
        async with locks.of("db_1"):
            await let_go.wait()
            done.append(number)

    calls = [asyncio.ensure_future(call(number)) for number in range(3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    let_go.set()
    await asyncio.gather(*calls, return_exceptions=True)

    assert (done, _kept(locks)) == ([0, 2], 0)


async def test_who_is_cancelled_inside_leaves_the_lock_to_the_others() -> None:
    locks, done = TenantLocks(), list[int]()

    async def stay() -> None:
        async with locks.of("db_1"):
            await asyncio.Event().wait()

    async def call() -> None:
        async with locks.of("db_1"):
            done.append(1)

    staying = asyncio.ensure_future(stay())
    await asyncio.sleep(0)
    calling = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    staying.cancel()
    await asyncio.gather(staying, calling, return_exceptions=True)

    assert (done, _kept(locks)) == ([1], 0)


def _kept(locks: TenantLocks) -> int:
    return len(locks._locks) + len(locks._users)
