"""Trying again: which calls, after which errors, for how long."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from domain.errors import (
    DatabaseNotFound,
    ExtensionUnavailable,
    NameTaken,
    OutcomeUnknown,
    ProviderBusy,
    ProviderFull,
    ProviderRejected,
    Unavailable,
)
from domain.retry import RetryPolicy
from tests.support.clock import FakeClock
from tests.support.doubles import Fails, ScriptedProvider
from tests.support.orders import new_order, rotated
from tests.support.randomness import SeededRandomness

PASSING = [ProviderBusy, OutcomeUnknown]
LASTING = [ProviderFull, ProviderRejected, NameTaken, DatabaseNotFound, ExtensionUnavailable]

ORDER = new_order()

Call = Callable[[RetryingProvider], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "provision": lambda provider: provider.provision(ORDER),
    "reveal": lambda provider: provider.reveal(ORDER),
    "rotate": lambda provider: provider.rotate(rotated(ORDER)),
    "suspend": lambda provider: provider.suspend(ORDER.tenant),
    "retire": lambda provider: provider.retire(ORDER.tenant),
    "inventory": lambda provider: provider.inventory(),
}

every_call = pytest.mark.parametrize("name", CALLS)


class FullJitter(SeededRandomness):
    """Always very nearly the longest pause."""

    def jitter(self) -> float:
        return 0.999


async def retried(
    *errors: BaseException, policy: RetryPolicy | None = None
) -> tuple[RetryingProvider, ScriptedProvider, FakeClock]:
    """A provider that holds ORDER and meets the next calls with these errors."""
    inner = ScriptedProvider(MemoryProvider())
    await inner.inner.provision(ORDER)
    inner.errors.extend(errors)
    clock = FakeClock()
    retrying = Retrying(policy or RetryPolicy(), clock, FullJitter())
    return RetryingProvider(inner, retrying), inner, clock


@every_call
@pytest.mark.parametrize("error", PASSING)
async def test_a_call_is_repeated_after_an_error_that_passes(
    name: str, error: type[Unavailable]
) -> None:
    provider, inner, _ = await retried(error(), error())

    await CALLS[name](provider)

    assert inner.calls == [name] * 3


async def test_what_the_repeated_call_gives_is_handed_on() -> None:
    provider, _, _ = await retried(ProviderBusy())

    connection = await provider.provision(ORDER)

    assert connection.password == ORDER.password
    assert await provider.reveal(ORDER) == connection
    assert [holding.id for holding in await provider.inventory()] == [ORDER.tenant.id]


@every_call
@pytest.mark.parametrize("error", [*LASTING, ValueError, TimeoutError])
async def test_a_call_is_not_repeated_after_any_other(name: str, error: type[Exception]) -> None:
    provider, inner, clock = await retried(error("once"))

    with pytest.raises(error, match="once"):
        await CALLS[name](provider)

    assert inner.calls == [name]
    assert clock.slept == []


async def test_a_ping_says_how_it_is_now() -> None:
    provider, inner, clock = await retried(ProviderBusy())

    with pytest.raises(ProviderBusy):
        await provider.ping()

    assert inner.calls == ["ping"]
    assert clock.slept == []


@every_call
async def test_after_the_last_attempt_its_error_is_raised(name: str) -> None:
    errors = [ProviderBusy(f"attempt {number}") for number in range(1, 10)]
    provider, inner, _ = await retried(*errors, policy=RetryPolicy(attempts=3))

    with pytest.raises(ProviderBusy, match="attempt 3"):
        await CALLS[name](provider)

    assert len(inner.calls) == 3


async def test_pauses_grow_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=5, deadline=100, base=1, cap=3)
    provider, _, clock = await retried(*[ProviderBusy()] * 4, policy=policy)

    await provider.provision(ORDER)

    assert clock.slept == pytest.approx([0.999, 1.998, 2.997, 2.997])


async def test_no_pause_outlasts_the_deadline() -> None:
    policy = RetryPolicy(attempts=1000, deadline=10, base=1, cap=4)
    provider, _, clock = await retried(*[ProviderBusy()] * 1000, policy=policy)

    with pytest.raises(ProviderBusy):
        await provider.provision(ORDER)

    assert len(clock.slept) > 1
    assert clock.elapsed() < 10


async def test_the_time_that_the_calls_take_counts() -> None:
    clock = FakeClock()

    async def slow_failure() -> None:
        clock.passed += 6
        raise ProviderBusy

    with pytest.raises(ProviderBusy):
        await Retrying(RetryPolicy(deadline=10), clock, FullJitter())(slow_failure)

    assert clock.slept == pytest.approx([0.0999])


async def test_the_other_side_is_not_asked_before_it_said() -> None:
    provider, _, clock = await retried(ProviderBusy(retry_after=7))

    await provider.provision(ORDER)

    assert clock.slept == [7]


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    provider, inner, clock = await retried(ProviderBusy(retry_after=3600))

    with pytest.raises(ProviderBusy) as caught:
        await provider.provision(ORDER)

    assert caught.value.retry_after == 3600
    assert inner.calls == ["provision"]
    assert clock.slept == []


async def test_an_answer_that_was_lost_converges() -> None:
    memory = MemoryProvider(trouble=Fails({"after provision": [OutcomeUnknown()]}))
    provider = RetryingProvider(memory, Retrying(RetryPolicy(), FakeClock(), FullJitter()))

    connection = await provider.provision(ORDER)

    assert memory.accepts(connection)
    assert len(await memory.inventory()) == 1


async def test_a_login_is_tried_again_while_the_server_is_busy() -> None:
    memory = MemoryProvider()
    connection = await memory.provision(ORDER)
    busy = [ProviderBusy(), ProviderBusy()]

    class BusyAtFirst(MemoryLoginCheck):
        async def verify(self, connection: Any) -> None:
            if busy:
                raise busy.pop()
            await super().verify(connection)

    retrying = Retrying(RetryPolicy(), FakeClock(), FullJitter())
    await RetryingLoginCheck(BusyAtFirst(memory), retrying).verify(connection)

    assert busy == []


async def test_a_login_that_is_refused_is_not_tried_again() -> None:
    clock = FakeClock()
    connection = await MemoryProvider().provision(ORDER)
    retrying = Retrying(RetryPolicy(), clock, FullJitter())
    check = RetryingLoginCheck(MemoryLoginCheck(MemoryProvider()), retrying)

    with pytest.raises(ProviderRejected):
        await check.verify(connection)

    assert clock.slept == []
