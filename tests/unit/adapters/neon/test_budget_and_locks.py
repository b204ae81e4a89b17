"""The account's budget of requests, and the locks of tenants."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.budget import BURST, RATE, Budget
from adapters.neon.tenant_locks import TenantLocks
from tests.support.clock import FakeClock

pauses = st.lists(st.floats(0, 20, allow_subnormal=False), min_size=1, max_size=200)


@given(pauses)
def test_the_budget_limits_burst_and_rate_in_any_interval(gaps: list[float]) -> None:
    clock = FakeClock()
    moments = asyncio.run(_spend(Budget(clock), clock, gaps))
    for first, begin in enumerate(moments):
        for last, end in enumerate(moments[first:], first):
            assert last - first + 1 <= BURST + RATE * (end - begin) + 1e-6


@given(pauses, st.integers(0, 199), st.floats(0, 60))
def test_the_budget_passes_no_request_while_held(gaps: list[float], at: int, hold: float) -> None:
    clock = FakeClock()
    budget = Budget(clock)
    asyncio.run(_spend(budget, clock, gaps[:at]))
    begin = clock.elapsed()

    budget.hold(hold)
    asyncio.run(budget.spend())

    assert clock.elapsed() >= begin + hold


async def test_the_budget_passes_a_burst_and_spaces_out_the_rest() -> None:
    clock = FakeClock()
    budget = Budget(clock)

    await _spend(budget, clock, [0] * (BURST - 1))
    assert clock.slept == []

    await _spend(budget, clock, [0] * 111)
    assert clock.passed == pytest.approx(110 / RATE)

    clock.passed += BURST / RATE
    slept = list(clock.slept)
    await _spend(budget, clock, [0] * (BURST - 1))
    assert clock.slept == slept


async def test_a_hold_delays_waiting_requests_and_keeps_their_order() -> None:
    clock = YieldingClock()
    budget = Budget(clock, rate=1, burst=1)
    await budget.spend()
    provision_request = asyncio.ensure_future(_record_order(5, budget))
    await clock.wait_for_sleeper()

    budget.hold(30)

    assert await provision_request == list(range(5))
    assert clock.elapsed() >= 30


async def test_the_budget_keeps_its_rate_after_a_hold() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    budget.hold(5)
    moments = await _spend(budget, clock, [0] * 30)
    assert all(later - sooner >= 1 / RATE - 1e-9 for sooner, later in pairwise(moments))


async def test_a_request_cancelled_while_waiting_does_not_block_the_next() -> None:
    clock = YieldingClock()
    budget = Budget(clock, rate=1, burst=1)
    await budget.spend()
    waiting = [asyncio.ensure_future(budget.spend()) for _ in range(3)]
    await clock.wait_for_sleeper()

    waiting[0].cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert outcomes[1:] == [None, None]


async def test_calls_for_one_tenant_run_one_by_one_in_order() -> None:
    locks, provision_request, inside = TenantLocks(), list[int](), 0

    async def call(number: int) -> None:
        nonlocal inside
        async with locks.hold("db_1"):
            inside += 1
            assert inside == 1
            provision_request.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*map(call, range(20)))

    assert provision_request == list(range(20))


async def test_calls_for_different_tenants_run_at_once_and_leave_no_lock() -> None:
    locks = TenantLocks()
    everybody = asyncio.Barrier(50)

    async def call(number: int) -> None:
        async with locks.hold(f"db_{number}"):
            await everybody.wait()
        async with locks.hold(f"db_{number % 5}"):
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*map(call, range(50)))

    assert _count_entries(locks) == 0


@pytest.mark.parametrize("cancelled", [0, 1], ids=["inside", "waiting"])
async def test_a_cancelled_call_releases_the_lock(cancelled: int) -> None:
    locks, let_go, done = TenantLocks(), asyncio.Event(), list[int]()

    async def call(number: int) -> None:
        async with locks.hold("db_1"):
            await let_go.wait()
            done.append(number)

    calls = [asyncio.ensure_future(call(number)) for number in range(3)]
    await asyncio.sleep(0)
    calls[cancelled].cancel()
    let_go.set()
    await asyncio.gather(*calls, return_exceptions=True)

    assert done == [number for number in range(3) if number != cancelled]
    assert _count_entries(locks) == 0


class YieldingClock(FakeClock):
    """A clock whose sleeps let other tasks run first."""

    def __init__(self) -> None:
        super().__init__()
        self._sleeping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._sleeping.set()
        for _ in range(10):
            await asyncio.sleep(0)
        await super().sleep(seconds)

    async def wait_for_sleeper(self) -> None:
        await asyncio.wait_for(self._sleeping.wait(), 20)


async def _spend(budget: Budget, clock: FakeClock, gaps: list[float]) -> list[float]:
    """Send requests after these pauses. Return the times at which they passed."""
    moments = []
    for gap in gaps:
        clock.passed += gap if gap > 1 else 0
        await budget.spend()
        moments.append(clock.elapsed())
    return moments


async def _record_order(many: int, budget: Budget) -> list[int]:
    through: list[int] = []

    async def pass_through(number: int) -> None:
        await budget.spend()
        through.append(number)

    await asyncio.gather(*map(pass_through, range(many)))
    return through


def _count_entries(locks: TenantLocks) -> int:
    return len(locks._locks) + len(locks._users)
