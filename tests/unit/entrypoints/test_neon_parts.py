"""How long a call on Neon is tried again: others who lock the project are waited for."""

from collections.abc import Callable

import pytest
import structlog

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy, ProviderLocked, Unavailable
from domain.retry import RetryPolicy
from domain.target import Isolation
from entrypoints.neon_parts import PATIENCE, cared_for
from ports.driven.database_provider import DatabaseProvider
from tests.support.clock import FakeClock
from tests.support.doubles import ScriptedProvider
from tests.support.orders import new_order
from tests.support.randomness import SeededRandomness

FOR_EVER = 10_000
"""More errors than anybody meets."""

Wrapped = Callable[[DatabaseProvider, FakeClock, int], DatabaseProvider]


def _wrapped(isolation: Isolation) -> Wrapped:
    def wrapped(provider: DatabaseProvider, clock: FakeClock, seed: int) -> DatabaseProvider:
        randomness, log = SeededRandomness(seed), structlog.get_logger()
        return cared_for(provider, isolation, clock, randomness, log)

    return wrapped


both = pytest.mark.parametrize("wrapped", [_wrapped(Isolation.PROJECT), _wrapped(Isolation.NONE)])


@both
@pytest.mark.parametrize("seed", range(5))
async def test_a_lock_for_ever_ends_after_one_patience(wrapped: Wrapped, seed: int) -> None:
    inner, clock = _failing(*[ProviderLocked("locked")] * FOR_EVER), FakeClock()

    with pytest.raises(ProviderLocked, match="locked"):
        await wrapped(inner, clock, seed).provision(new_order())

    assert PATIENCE / 2 < clock.elapsed() <= PATIENCE


@both
async def test_a_lock_is_waited_for_longer_than_anything_else(wrapped: Wrapped) -> None:
    inner, clock = _failing(*[ProviderLocked()] * 20), FakeClock()

    await wrapped(inner, clock, 0).provision(new_order())

    assert len(inner.calls) == 21 > RetryPolicy().attempts


@both
@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown])
async def test_other_trouble_is_given_up_after_the_usual_attempts(
    wrapped: Wrapped, error: type[Unavailable]
) -> None:
    inner, clock = _failing(*[error() for _ in range(FOR_EVER)]), FakeClock()

    with pytest.raises(error):
        await wrapped(inner, clock, 0).provision(new_order())

    assert len(inner.calls) == RetryPolicy().attempts


@both
async def test_a_lock_between_other_troubles_is_waited_for_too(wrapped: Wrapped) -> None:
    inner = _failing(ProviderBusy(), *[ProviderLocked()] * 10, OutcomeUnknown())

    await wrapped(inner, FakeClock(), 0).provision(new_order())

    assert len(inner.calls) == 13


def _failing(*errors: PgvendError) -> ScriptedProvider:
    return ScriptedProvider(MemoryProvider(), errors=list(errors))
