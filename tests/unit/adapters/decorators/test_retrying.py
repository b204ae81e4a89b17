"""Retries: which calls are repeated, and how the policy is applied."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.metrics.prometheus import PrometheusMetrics
from domain.errors import (
    DatabaseNotFound,
    ExtensionUnavailable,
    NameTaken,
    OutcomeUnknown,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    Unavailable,
)
from domain.retry import RetryPolicy
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.metrics import read_metrics
from tests.support.randomness import SeededRandomness
from tests.unit.adapters.decorators.conftest import CALLS, ORDER

NOT_TRANSIENT = [ProviderFull, ProviderRejected, NameTaken, DatabaseNotFound, ExtensionUnavailable]
STEADY = RetryPolicy(attempts=5, deadline=100, base=1, cap=3)

every_call = pytest.mark.parametrize("name", [name for name in CALLS if name != "ping"])


class FullJitter(SeededRandomness):
    """Randomness that always picks nearly the longest pause."""

    def jitter(self) -> float:
        return 0.999


class Retried:
    """A provider that has ORDER, and answers the next calls with these errors."""

    def __init__(self, *errors: BaseException, policy: RetryPolicy | None = None) -> None:
        self.memory, self.clock = MemoryProvider(), FakeClock()
        self.inner = ScriptedProvider(self.memory, [*errors])
        self.retrying = Retrying(policy or RetryPolicy(), self.clock, FullJitter())
        self.provider = RetryingProvider(self.inner, self.retrying)

    async def call(self, name: str = "provision") -> Any:
        await self.memory.provision(ORDER)
        return await CALLS[name](self.provider, ORDER)


@every_call
@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown])
async def test_a_call_is_repeated_after_busy_errors(name: str, error: type[Unavailable]) -> None:
    retried, straight = Retried(error(), error()), Retried()
    assert await retried.call(name) == await straight.call(name)
    assert retried.inner.calls == [name] * 3


@every_call
@pytest.mark.parametrize("error", [*NOT_TRANSIENT, ValueError, TimeoutError])
async def test_a_call_is_not_repeated_after_other_errors(name: str, error: type[Exception]) -> None:
    retried = Retried(error("once"))
    with pytest.raises(error, match="once"):
        await retried.call(name)
    assert (retried.inner.calls, retried.clock.slept) == ([name], [])


async def test_repetitions_are_counted_by_their_error() -> None:
    retried, metrics = (
        Retried(ProviderBusy(), ProviderLocked(), ProviderRejected()),
        PrometheusMetrics(),
    )
    retried.provider = RetryingProvider(retried.inner, replace(retried.retrying, metrics=metrics))
    with pytest.raises(ProviderRejected):
        await retried.call()
    assert read_metrics(metrics, "pgvend_retries_total") == {
        ("error=provider_busy",): 1,
        ("error=provider_locked",): 1,
    }


async def test_a_ping_is_not_repeated() -> None:
    retried = Retried(ProviderBusy())
    with pytest.raises(ProviderBusy):
        await retried.call("ping")
    assert (retried.inner.calls, retried.clock.slept) == (["ping"], [])


@every_call
async def test_after_the_last_attempt_its_error_is_raised(name: str) -> None:
    errors = [ProviderBusy(f"attempt {number}") for number in range(1, 10)]
    retried = Retried(*errors, policy=RetryPolicy(attempts=3))
    with pytest.raises(ProviderBusy, match="attempt 3"):
        await retried.call(name)
    assert len(retried.inner.calls) == 3


@pytest.mark.parametrize(
    ("errors", "slept"),
    [([ProviderBusy()] * 4, [0.999, 1.998, 2.997, 2.997]), ([ProviderBusy(retry_after=7)], [7])],
    ids=["grow up to the cap", "are as long as the other side says"],
)
async def test_pauses(errors: list[Unavailable], slept: list[float]) -> None:
    retried = Retried(*errors, policy=STEADY)
    await retried.call()
    assert retried.clock.slept == pytest.approx(slept)


async def test_the_duration_of_the_calls_counts() -> None:
    retried = Retried(policy=RetryPolicy(deadline=10))

    async def slow_failure() -> None:
        retried.clock.passed += 6
        raise ProviderBusy

    with pytest.raises(ProviderBusy):
        await retried.retrying(slow_failure)

    assert retried.clock.slept == pytest.approx([0.0999])


async def test_a_pause_beyond_the_deadline_is_not_started() -> None:
    retried = Retried(ProviderBusy(retry_after=3600))
    with pytest.raises(ProviderBusy) as caught:
        await retried.call()
    assert caught.value.retry_after == 3600
    assert (retried.inner.calls, retried.clock.slept) == (["provision"], [])


async def test_a_login_is_repeated_while_the_server_is_busy_but_not_if_refused() -> None:
    retried, busy = Retried(), [ProviderBusy(), ProviderBusy()]
    connection = await retried.memory.provision(ORDER)

    class BusyAtFirst(MemoryLoginCheck):
        async def verify(self, connection: Any) -> None:
            if busy:
                raise busy.pop()
            await super().verify(connection)

    await RetryingLoginCheck(BusyAtFirst(retried.memory), retried.retrying).verify(connection)
    assert busy == []

    slept = len(retried.clock.slept)
    refusing = RetryingLoginCheck(MemoryLoginCheck(MemoryProvider()), retried.retrying)
    with pytest.raises(ProviderRejected):
        await refusing.verify(connection)
    assert len(retried.clock.slept) == slept


async def test_each_policy_counts_its_own_attempts() -> None:
    policy = RetryPolicy(
        attempts=2,
        base=1,
        overrides=(RetryPolicy(transient=(ProviderLocked,), attempts=4, base=8, cap=8),),
    )
    retried = Retried(ProviderBusy(), *[ProviderLocked()] * 3, ProviderBusy("last"), policy=policy)

    with pytest.raises(ProviderBusy, match="last"):
        await retried.call()

    assert retried.clock.slept == pytest.approx([0.999, 7.992, 7.992, 7.992])


async def test_all_policies_measure_time_from_the_first_attempt() -> None:
    policy = RetryPolicy(overrides=(RetryPolicy(transient=(ProviderLocked,), deadline=10),))
    errors = [ProviderBusy(retry_after=9.95), ProviderLocked("locked")]
    retried = Retried(*errors, policy=policy)

    with pytest.raises(ProviderLocked, match="locked"):
        await retried.call()

    assert retried.clock.slept == [9.95]
