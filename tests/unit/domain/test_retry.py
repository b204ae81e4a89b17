"""When to try again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.retry import RetryPolicy

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


@given(policies, attempts, seconds, jitters, st.none() | seconds)
def test_a_pause_lies_between_what_was_asked_for_and_the_ceiling_and_ends_with_the_deadline(
    policy: RetryPolicy, attempt: int, elapsed: float, jitter: float, retry_after: float | None
) -> None:
    pause = policy.pause(attempt, elapsed, jitter, retry_after)

    least = retry_after or 0
    assert pause is None or least <= pause <= max(policy.ceiling(attempt), least)
    assert pause is None or elapsed + pause < policy.deadline
    assert pause is None or attempt < policy.attempts


@given(policies, attempts)
def test_the_ceiling_never_falls_nor_passes_the_cap(policy: RetryPolicy, attempt: int) -> None:
    assert 0 < policy.ceiling(attempt) <= policy.ceiling(attempt + 1) <= policy.cap


def test_the_ceiling_doubles_until_the_cap() -> None:
    policy = RetryPolicy(base=0.1, cap=5)
    ceilings = [policy.ceiling(attempt) for attempt in range(1, 8)]
    assert ceilings == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5]


def test_an_early_failure_is_tried_again() -> None:
    """Or all of the above would hold for a policy that always gives up."""
    policy = RetryPolicy(attempts=3, deadline=10, base=1, cap=5)

    assert policy.pause(1, 0, 0.5) == 0.5
    assert policy.pause(2, 1, 0.5) == 1
    assert policy.pause(2, 1, 0.5, retry_after=7) == 7
    assert policy.pause(3, 2, 0.5) is None


@pytest.mark.parametrize("retry_after", [8.9, 9, float("inf")])
def test_a_wait_that_lasts_too_long_is_not_begun(retry_after: float) -> None:
    assert (RetryPolicy(deadline=10).pause(1, 1, 0, retry_after) is None) == (retry_after >= 9)


@pytest.mark.parametrize("retry_after", [-1.0, float("nan")])
def test_nonsense_from_the_other_side_does_not_shorten_the_pause(retry_after: float) -> None:
    assert RetryPolicy().pause(1, 0, 0.5, retry_after) == RetryPolicy().pause(1, 0, 0.5)
