"""The account's budget of requests, and the pauses that Retry-After headers request."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.budget import AMPLE, BURST, MAX_PAUSE, RATE, Budget, parse_retry_after
from adapters.neon.errors import DEFAULT_PAUSE
from domain.errors import ProviderBusy
from tests.support.clock import FakeClock
from tests.unit.adapters.neon.conftest import BRANCH, Wire

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S -0000",
)
"""The three formats of RFC 9110, 5.6.7, and an e-mail format without a time zone."""

SECONDS: dict[str | None, float | None] = {
    "0": 0,
    "7": 7,
    " 12 ": 12,
    "12\x1f": 12,
    "007": 7,
    **{(NOW + timedelta(hours=1)).strftime(form): 3600 for form in FORMATS},
    "Sun, 06 Nov 1994 08:49:37 GMT": 0,
    **dict.fromkeys(["86401", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"], 86_400),
    **dict.fromkeys([None, "", "soon", "-1", "1.5", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"]),
    "Sun, 06 Nov 1994 08:49:37 +99999999999999": None,
}

IN_HALF_A_MINUTE = format_datetime(FakeClock().now() + timedelta(seconds=30), usegmt=True)

PAUSES = {
    "seconds": ({"Retry-After": "7"}, 7),
    "a date": ({"Retry-After": IN_HALF_A_MINUTE}, 30),
    "nothing": ({}, DEFAULT_PAUSE),
    "garbage": ({"Retry-After": "soon"}, DEFAULT_PAUSE),
    "longer than the budget takes to fill": ({"Retry-After": "86400"}, MAX_PAUSE),
    "an enormous number": ({"Retry-After": "9" * 400}, MAX_PAUSE),
}

LIKE_A_DATE = r"[A-Z][a-z]{2}, [0-9]{1,9} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]+ [+-][0-9]{1,20}"

pauses = st.lists(st.floats(0, 20, allow_subnormal=False), min_size=1, max_size=200)


async def test_the_budget_is_ample_while_half_a_burst_is_left() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    await clock.sleep(3600)
    for _ in range(BURST - AMPLE + 1):
        assert budget.is_ample
        await budget.spend()
    assert not budget.is_ample
    await clock.sleep(1.1 / RATE)
    assert budget.is_ample


@given(pauses)
def test_the_budget_limits_burst_and_rate_in_any_interval(gaps: list[float]) -> None:
    clock = FakeClock()
    moments = asyncio.run(_spend(Budget(clock), clock, gaps))
    for first, begin in enumerate(moments):
        for last, end in enumerate(moments[first:], first):
            assert last - first + 1 <= BURST + RATE * (end - begin) + 1e-6


@given(pauses, st.integers(0, 199), st.floats(0, 60))
def test_the_budget_passes_no_request_during_a_pause(
    gaps: list[float], at: int, pause: float
) -> None:
    clock = FakeClock()
    budget = Budget(clock)
    asyncio.run(_spend(budget, clock, gaps[:at]))
    begin = clock.elapsed()

    budget.pause(pause)
    asyncio.run(budget.spend())

    assert clock.elapsed() >= begin + pause


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


async def test_a_pause_delays_waiting_requests_and_keeps_their_order() -> None:
    clock = YieldingClock()
    budget = Budget(clock, rate=1, burst=1)
    await budget.spend()
    order = asyncio.ensure_future(_record_order(5, budget))
    await clock.wait_for_sleeper()

    budget.pause(30)

    assert await order == list(range(5))
    assert clock.elapsed() >= 30


async def test_the_budget_keeps_its_rate_after_a_pause() -> None:
    clock = FakeClock()
    budget = Budget(clock)
    budget.pause(5)
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


@pytest.mark.parametrize(("header", "seconds"), SECONDS.items())
def test_a_header_is_seconds_up_to_a_day_or_ignored(
    header: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text() | st.from_regex(LIKE_A_DATE))
def test_no_header_is_an_error(header: str) -> None:
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(("headers", "seconds"), PAUSES.values(), ids=list(PAUSES))
async def test_a_429_delays_all_requests(
    wire: Wire, headers: dict[str, str], seconds: float
) -> None:
    await _send_refused_call(wire, status=429, headers=headers)
    assert seconds <= wire.clock.passed < seconds + 1


@pytest.mark.parametrize("status", [423, 503])
async def test_a_lock_or_an_outage_delays_no_other_request(wire: Wire, status: int) -> None:
    await _send_refused_call(wire, status=status, headers={"Retry-After": "7"})
    assert wire.clock.passed == 0


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


async def _record_order(count: int, budget: Budget) -> list[int]:
    order: list[int] = []

    async def spend(number: int) -> None:
        await budget.spend()
        order.append(number)

    await asyncio.gather(*map(spend, range(count)))
    return order


async def _send_refused_call(wire: Wire, **answer: Any) -> None:
    """Send a call that is refused, and another one."""
    wire.respond("GET", BRANCH, **answer)
    wire.respond("GET", f"{BRANCH}/roles", payload={"roles": []})
    with pytest.raises(ProviderBusy):
        await wire.branch.check()
    await wire.branch.list_roles()
