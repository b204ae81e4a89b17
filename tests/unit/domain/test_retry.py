"""The retry policy: which errors, when, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import (
    OutcomeUnknown,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    RateLimited,
    Unavailable,
)
from domain.retry import DEFAULT, PROJECT_LOCKED, SHARED_PROJECT, RetryPolicy

seconds = st.floats(min_value=0, max_value=1e6)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(min_value=1, max_value=1000),
    deadline=seconds,
    base=st.floats(min_value=1e-3, max_value=60),
    cap=st.floats(min_value=1e-3, max_value=600),
)
attempts = st.integers(min_value=1, max_value=1000) | st.integers(min_value=1, max_value=10**9)
jitters = st.floats(min_value=0, max_value=1, exclude_max=True)
transient = st.sampled_from([ProviderBusy, ProviderLocked, OutcomeUnknown])


@given(policies, transient, attempts, seconds, jitters, st.none() | seconds)
def test_a_delay_is_between_retry_after_and_the_ceiling_and_ends_before_the_deadline(
    policy: RetryPolicy,
    kind: type[Unavailable],
    attempt: int,
    elapsed: float,
    jitter: float,
    retry_after: float | None,
) -> None:
    delay = policy.delay(kind(retry_after=retry_after), attempt, elapsed, jitter)

    least = retry_after or 0
    assert delay is None or least <= delay <= max(policy.ceiling(attempt), least)
    assert delay is None or elapsed + delay < policy.deadline
    assert delay is None or attempt < policy.attempts


@given(policies, attempts)
def test_the_ceiling_never_decreases_and_never_exceeds_the_cap(
    policy: RetryPolicy, attempt: int
) -> None:
    assert 0 < policy.ceiling(attempt) <= policy.ceiling(attempt + 1) <= policy.cap


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    policy = RetryPolicy(base=0.1, cap=5)
    ceilings = [policy.ceiling(attempt) for attempt in range(1, 8)]
    assert ceilings == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5]


def test_an_early_failure_is_retried() -> None:
    """A policy that always gives up would pass the tests above."""
    policy = RetryPolicy(attempts=3, deadline=10, base=1, cap=5)

    assert policy.delay(ProviderBusy(), 1, 0, 0.5) == 0.5
    assert policy.delay(ProviderBusy(), 2, 1, 0.5) == 1
    assert policy.delay(ProviderBusy(retry_after=7), 2, 1, 0.5) == 7
    assert policy.delay(ProviderBusy(), 3, 2, 0.5) is None


@pytest.mark.parametrize("retry_after", [8.9, 9, float("inf")])
def test_a_delay_that_ends_after_the_deadline_is_not_started(retry_after: float) -> None:
    delay = RetryPolicy(deadline=10).delay(ProviderBusy(retry_after=retry_after), 1, 1, 0)
    assert (delay is None) == (retry_after >= 9)


@pytest.mark.parametrize("retry_after", [-1.0, float("nan")])
def test_an_invalid_retry_after_does_not_shorten_the_delay(retry_after: float) -> None:
    error = ProviderBusy(retry_after=retry_after)
    assert DEFAULT.delay(error, 1, 0, 0.5) == DEFAULT.delay(ProviderBusy(), 1, 0, 0.5)


@pytest.mark.parametrize("policy", [DEFAULT, SHARED_PROJECT], ids=["default", "shared project"])
@pytest.mark.parametrize("kind", [ProviderBusy, ProviderLocked, OutcomeUnknown])
def test_transient_errors_are_retried(policy: RetryPolicy, kind: type[Unavailable]) -> None:
    error = kind()
    assert policy.policy_for(error).delay(error, 1, 0, 0.5) is not None


@pytest.mark.parametrize("policy", [DEFAULT, SHARED_PROJECT], ids=["default", "shared project"])
@pytest.mark.parametrize("kind", [Unavailable, ProviderFull, RateLimited])
def test_other_errors_are_not_retried_although_a_client_may_retry_them_later(
    policy: RetryPolicy, kind: type[Unavailable]
) -> None:
    error = kind()
    assert error.retryable
    assert policy.policy_for(error).delay(error, 1, 0, 0.5) is None


def test_by_default_a_lock_is_retried_like_a_busy_provider() -> None:
    assert DEFAULT.policy_for(ProviderLocked()) is DEFAULT
    assert (DEFAULT.attempts, DEFAULT.deadline) == (8, 30)


def test_a_shared_project_is_polled_for_two_minutes_while_it_is_locked() -> None:
    error = ProviderLocked()
    policy = SHARED_PROJECT.policy_for(error)

    assert policy is PROJECT_LOCKED
    assert [policy.ceiling(attempt) for attempt in (1, 2, 3, 4, 500)] == [0.25, 0.5, 1, 2, 2]
    assert policy.delay(error, 500, 117.9, 0.999) is not None
    assert policy.delay(error, 5, 119, 0.999) is None


@pytest.mark.parametrize("kind", [ProviderBusy, OutcomeUnknown])
def test_other_errors_of_a_shared_project_have_the_usual_attempts(kind: type[Unavailable]) -> None:
    error = kind()
    policy = SHARED_PROJECT.policy_for(error)

    assert policy is SHARED_PROJECT
    assert policy.delay(error, DEFAULT.attempts - 1, 100, 0.5) == 2.5
    assert policy.delay(error, DEFAULT.attempts, 100, 0.5) is None


def test_a_new_deadline_holds_for_overrides_too() -> None:
    policy = SHARED_PROJECT.with_deadline(7)

    assert policy.deadline == 7
    assert policy.policy_for(ProviderLocked()).deadline == 7
    assert policy.with_deadline(SHARED_PROJECT.deadline) == SHARED_PROJECT
