"""The contract of the rate limiter."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.stores import Stores
from domain.rates import Rate
from ports.driven.rate_limiter import RateLimiter
from tests.support.clock import FakeClock
from tests.support.polling import wait_until
from tests.support.registries import run_sql, temporary_database
from tests.support.servers import OperatorsServer

THREE = Rate(3, 3600)

MANY = 200

BRIEF = Rate(1, 1)
"""A window that a test can wait for, in seconds."""


@dataclass(frozen=True)
class Counting:
    rates: RateLimiter
    wait: Callable[[float], None]
    """Advances a fake clock, or does nothing in real time."""


@pytest.fixture
def counting(stores: Stores) -> Counting:
    """The shared limiter of the registry if it has one, else the limiter in memory."""
    if stores.shared_rate_limiter:
        return Counting(stores.shared_rate_limiter, lambda _: None)
    clock = FakeClock()
    return Counting(MemoryRateLimiter(clock), lambda seconds: _advance_clock(clock, seconds))


@pytest.fixture
def rates(counting: Counting) -> RateLimiter:
    return counting.rates


async def test_the_amount_of_the_rate_is_granted(rates: RateLimiter) -> None:
    outcomes = [await rates.hit("ann", THREE) for _ in range(5)]

    assert [outcome.is_granted for outcome in outcomes] == [True, True, True, False, False]
    assert [outcome.remaining for outcome in outcomes] == [2, 1, 0, 0, 0]
    assert {outcome.rate for outcome in outcomes} == {THREE}
    resets = [outcome.reset for outcome in outcomes]  # when the whole amount is available again
    assert 3590 < resets[1] <= resets[0] <= 3600


async def test_each_name_has_its_own_count(rates: RateLimiter) -> None:
    names = ("ann", "Ann", "ann ", "refused 192.0.2.1", "key 'ann'; --", "2001:db8::/64", "😀")

    outcomes = [await rates.hit(name, Rate(1, 3600)) for name in names]

    assert all(outcome.is_granted for outcome in outcomes)


async def test_of_concurrent_calls_exactly_the_amount_is_granted(rates: RateLimiter) -> None:
    outcomes = await asyncio.gather(*(rates.hit("ann", Rate(10, 3600)) for _ in range(40)))

    granted = [outcome.remaining for outcome in outcomes if outcome.is_granted]
    assert sorted(granted) == list(range(10))


async def test_a_new_window_grants_the_whole_amount(counting: Counting) -> None:
    """Refused calls do not extend the window."""
    rate = Rate(3, 1)
    first = await counting.rates.hit("ann", rate)
    for _ in range(20):
        refused = await counting.rates.hit("ann", rate)
        assert refused.is_granted or refused.reset <= first.reset
    counting.wait(first.reset)

    async def is_new() -> bool:
        return (await counting.rates.hit("ann", rate)).remaining == 2

    await wait_until(is_new)


async def test_expired_windows_are_deleted_on_the_server(server_18: OperatorsServer) -> None:
    async with temporary_database(server_18) as url, open_postgres_stores(url) as stores:
        assert stores.shared_rate_limiter
        await stores.shared_rate_limiter.hit("before", THREE)
        await run_sql(url, "UPDATE rates SET ends_at = now() - interval '2 hours'")

        await stores.shared_rate_limiter.hit("now", THREE)

        assert [row["name"] for row in await run_sql(url, "SELECT name FROM rates")] == ["now"]


async def test_expired_windows_are_deleted_in_memory() -> None:
    clock = FakeClock()
    rates = MemoryRateLimiter(clock)
    for number in range(MANY):
        await rates.hit(f"before {number}", BRIEF)
    clock.passed += 1

    for number in range(MANY):
        await rates.hit(f"now {number}", THREE)

    assert len(rates._windows) == MANY


async def test_the_number_of_windows_in_memory_is_bounded() -> None:
    rates = MemoryRateLimiter(FakeClock(), max_windows=MANY)
    for number in range(3 * MANY):
        await rates.hit(f"address {number}", THREE)

    assert len(rates._windows) == MANY
    assert (await rates.hit(f"address {3 * MANY - 1}", THREE)).remaining == 1


async def test_a_current_window_is_not_deleted_with_expired_ones() -> None:
    clock = FakeClock()
    rates = MemoryRateLimiter(clock)
    await rates.hit("ann", Rate(1, 3600))
    for number in range(MANY):
        await rates.hit(f"other {number}", BRIEF)
        clock.passed += 1

    assert not (await rates.hit("ann", Rate(1, 3600))).is_granted


def _advance_clock(clock: FakeClock, seconds: float) -> None:
    clock.passed += seconds
