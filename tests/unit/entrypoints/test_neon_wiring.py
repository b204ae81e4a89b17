"""Retries on Neon: a call waits while operations of others lock the project."""

import pytest
import structlog

from adapters.decorators.retrying import Retrying
from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy, ProviderLocked, Unavailable
from domain.retry import RetryPolicy
from domain.targets import Isolation
from entrypoints.wiring.neon import TIMEOUT, with_retries
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.provision_requests import new_provision_request
from tests.support.randomness import SeededRandomness

MANY = 10_000
"""More errors than there are attempts."""

both_isolations = pytest.mark.parametrize("isolation", [Isolation.PROJECT, Isolation.NONE])


class FaultyProvision:
    """A call of `provision` that fails with these errors first."""

    def __init__(self, isolation: Isolation, *errors: PgvendError, seed: int = 0) -> None:
        self.inner, self.clock = ScriptedProvider(MemoryProvider(), [*errors]), FakeClock()
        randomness, log = SeededRandomness(seed), structlog.get_logger()
        self._provider = with_retries(
            self.inner, isolation, Retrying(RetryPolicy(), self.clock, randomness), log
        )

    async def provision(self) -> int:
        """Return the number of attempts."""
        await self._provider.provision(new_provision_request())
        return len(self.inner.calls)


@both_isolations
@pytest.mark.parametrize("seed", range(5))
async def test_a_lasting_lock_fails_after_the_timeout(isolation: Isolation, seed: int) -> None:
    call = FaultyProvision(isolation, *[ProviderLocked("locked")] * MANY, seed=seed)
    with pytest.raises(ProviderLocked, match="locked"):
        await call.provision()
    assert TIMEOUT / 2 < call.clock.elapsed() <= TIMEOUT


@both_isolations
@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown])
async def test_other_errors_fail_after_the_usual_attempts(
    isolation: Isolation, error: type[Unavailable]
) -> None:
    call = FaultyProvision(isolation, *[error() for _ in range(100)])
    with pytest.raises(error):
        await call.provision()
    assert len(call.inner.calls) == RetryPolicy().attempts


@both_isolations
async def test_a_call_waits_for_a_lock_between_other_errors(isolation: Isolation) -> None:
    errors = [ProviderBusy(), *[ProviderLocked()] * 10, OutcomeUnknown()]
    assert await FaultyProvision(isolation, *errors).provision() == 13
