"""How long a call on Neon is tried again: others who lock the project are waited for."""

import pytest
import structlog

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy, ProviderLocked, Unavailable
from domain.retry import RetryPolicy
from domain.target import Isolation
from entrypoints.neon_parts import PATIENCE, cared_for
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.orders import new_order
from tests.support.randomness import SeededRandomness

FOR_EVER = 10_000
"""More errors than anybody meets."""

both = pytest.mark.parametrize("isolation", [Isolation.PROJECT, Isolation.NONE])


class Troubled:
    """A provision that meets these errors on its way."""

    def __init__(self, isolation: Isolation, *errors: PgvendError, seed: int = 0) -> None:
        self.inner, self.clock = ScriptedProvider(MemoryProvider(), [*errors]), FakeClock()
        randomness, log = SeededRandomness(seed), structlog.get_logger()
        self._provider = cared_for(self.inner, isolation, self.clock, randomness, log)

    async def provision(self) -> int:
        """The number of calls that it takes."""
        await self._provider.provision(new_order())
        return len(self.inner.calls)


@both
@pytest.mark.parametrize("seed", range(5))
async def test_a_lock_for_ever_ends_after_one_patience(isolation: Isolation, seed: int) -> None:
    troubled = Troubled(isolation, *[ProviderLocked("locked")] * FOR_EVER, seed=seed)
    with pytest.raises(ProviderLocked, match="locked"):
        await troubled.provision()
    assert PATIENCE / 2 < troubled.clock.elapsed() <= PATIENCE


@both
@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown])
async def test_other_trouble_is_given_up_after_the_usual_attempts(
    isolation: Isolation, error: type[Unavailable]
) -> None:
    troubled = Troubled(isolation, *[error() for _ in range(100)])
    with pytest.raises(error):
        await troubled.provision()
    assert len(troubled.inner.calls) == RetryPolicy().attempts


@both
async def test_a_lock_between_other_troubles_is_waited_for_too(isolation: Isolation) -> None:
    errors = [ProviderBusy(), *[ProviderLocked()] * 10, OutcomeUnknown()]
    assert await Troubled(isolation, *errors).provision() == 13
