"""When to try again, and when to stop trying."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts and a deadline, whichever ends first; all times in seconds."""

    attempts: int = 8
    deadline: float = 30.0
    base: float = 0.1
    cap: float = 5.0

    def ceiling(self, attempt: int) -> float:
        """The longest pause after attempt number `attempt` (from 1): exponential, capped."""
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 32))

    def pause(
        self, attempt: int, elapsed: float, jitter: float, retry_after: float | None = None
    ) -> float | None:
        """The pause after a failed `attempt`, or None to give up.

        `elapsed` is counted from the first attempt. `jitter`, in [0, 1), picks a point between
        nothing and the ceiling (full jitter). What the other side asked for in `retry_after` is
        the least pause. A pause that would outlast the deadline is not begun.
        """
        if attempt >= self.attempts:
            return None
        pause = max(self.ceiling(attempt) * jitter, retry_after or 0.0)
        return pause if elapsed + pause < self.deadline else None
