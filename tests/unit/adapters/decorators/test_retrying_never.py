"""Errors after which nobody tries again here, because somebody else already has."""

import pytest

from adapters.decorators.retrying import Retrying
from domain.errors import ProviderBusy, ProviderLocked
from domain.retry import RetryPolicy
from tests.support.clock import FakeClock
from tests.support.randomness import SeededRandomness


class Failing:
    """A call that meets these errors, one after the other, and then succeeds."""

    def __init__(self, *errors: ProviderBusy) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_an_error_that_is_never_to_be_repeated_is_raised_at_once() -> None:
    call, clock = Failing(ProviderLocked("locked"), ProviderBusy()), FakeClock()

    with pytest.raises(ProviderLocked, match="locked"):
        await _retrying(clock)(call)

    assert len(call.errors) == 1
    assert clock.slept == []


async def test_an_error_of_the_same_family_is_repeated_all_the_same() -> None:
    assert await _retrying(FakeClock())(Failing(ProviderBusy(), ProviderBusy())) == "done"


async def test_one_that_comes_later_ends_the_attempts_as_well() -> None:
    call = Failing(ProviderBusy(), ProviderLocked("locked"), ProviderBusy())

    with pytest.raises(ProviderLocked, match="locked"):
        await _retrying(FakeClock())(call)

    assert len(call.errors) == 1


def _retrying(clock: FakeClock) -> Retrying:
    return Retrying(RetryPolicy(), clock, SeededRandomness(), never=(ProviderLocked,))
