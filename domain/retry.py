"""The retry policy: after which errors a call is repeated, when, and for how long."""

from dataclasses import dataclass, replace

from domain.errors import OutcomeUnknown, ProviderBusy, ProviderLocked, Unavailable

TRANSIENT: tuple[type[Unavailable], ...] = (ProviderBusy, OutcomeUnknown)
"""Errors that usually pass within seconds. The ports guarantee that repeating the call is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Retries after `transient` errors until `attempts` or `deadline` is reached, whichever comes
    first. All times are in seconds, counted from the first attempt.

    `overrides` are the policies for errors that need another one: see `policy_for`.
    """

    transient: tuple[type[Unavailable], ...] = TRANSIENT
    attempts: int = 8
    deadline: float = 30.0
    base: float = 0.1
    cap: float = 5.0
    overrides: tuple["RetryPolicy", ...] = ()

    def policy_for(self, error: Unavailable) -> "RetryPolicy":
        """Return the policy that decides about this error. Each counts its own attempts."""
        return next((each for each in self.overrides if isinstance(error, each.transient)), self)

    def delay(
        self, error: Unavailable, attempt: int, elapsed: float, jitter: float
    ) -> float | None:
        """Return the pause before the next attempt, or None to give up.

        `attempt` counts from 1 the attempts that ended in an error of this policy; `elapsed` is the
        time since the very first attempt. `jitter`, in [0, 1), picks a point between zero and the
        ceiling (full jitter). The pause is at least as long as the error's `retry_after`. A pause
        that would end after the deadline is not started.
        """
        if attempt >= self.attempts or not isinstance(error, self.transient):
            return None
        delay = max(self.ceiling(attempt) * jitter, error.retry_after or 0.0)
        return delay if elapsed + delay < self.deadline else None

    def ceiling(self, attempt: int) -> float:
        """Return the longest pause after attempt number `attempt` (from 1): exponential, capped."""
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 32))

    def with_deadline(self, seconds: float) -> "RetryPolicy":
        """Return the same policy with another deadline, also in its overrides."""
        overrides = tuple(each.with_deadline(seconds) for each in self.overrides)
        return replace(self, deadline=seconds, overrides=overrides)


DEFAULT = RetryPolicy()

PROJECT_LOCKED = RetryPolicy(
    transient=(ProviderLocked,), attempts=1_000, deadline=120.0, base=0.25, cap=2.0
)
"""Operations of others may lock a Neon project for minutes: poll it until it is free."""

SHARED_PROJECT = RetryPolicy(deadline=PROJECT_LOCKED.deadline, overrides=(PROJECT_LOCKED,))
"""For a project on which others work too: a call may take as long as a lock."""
