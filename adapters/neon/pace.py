"""Times to poll Neon's operations."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat

from adapters.neon.budget import Budget

MIN_POLL_PAUSE = 0.01
MAX_POLL_PAUSE = 5.0
"""Seconds between two polls of one operation."""

EARLY_POLLS = 4
MIN_EARLY_PAUSE = 0.005
"""Polls of an operation before its usual end, while the budget of requests is ample: at most so
many, and at least so many seconds apart."""

LATENESS = (1 / 16, 1 / 4)
"""Pauses between the polls of an operation that takes longer than usual, relative to its time so
far. All later pauses are like the last one."""

DEFAULT_DURATION = 0.05
"""Assumed duration in seconds before the first measurement; Neon reports 50 to 90 ms."""

TIME_RESOLUTION = 0.001
"""Neon reports durations in whole milliseconds."""

KNOWN_DURATIONS = 10
"""How many of the latest durations of one kind of operation are known."""


@dataclass
class Pace:
    """Times to poll, by the latest durations of the kind of operation.

    The first poll is when nearly all of them had ended; while the budget is ample, a few polls
    come before, from the time when the first of them had ended. An operation that takes longer is
    polled at intervals that grow with the time waited. One exception among the durations, in
    either direction, changes nothing.
    """

    durations: dict[str, deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KNOWN_DURATIONS))
    )
    """The latest durations by the kind of operation."""

    def knows(self, kind: str) -> bool:
        return kind in self.durations

    def iterate_pauses(self, kind: str, budget: Budget, waited: float = 0.0) -> Iterator[float]:
        """Yield the pause before each poll, in seconds. The caller has `waited` so long already."""
        soonest, usual = self._usual_durations(kind)
        elapsed = max(waited, soonest if budget.is_ample else usual)
        yield elapsed - waited
        early_pause = max(MIN_EARLY_PAUSE, (usual - soonest) / EARLY_POLLS)
        shares = chain(LATENESS, repeat(LATENESS[-1]))
        while True:
            if elapsed >= usual:
                pause = min(max(MIN_POLL_PAUSE, elapsed * next(shares)), MAX_POLL_PAUSE)
            elif budget.is_ample:
                pause = early_pause
            else:
                pause = max(MIN_EARLY_PAUSE, usual - elapsed)
            yield pause
            elapsed += pause

    def learn(self, kind: str, seconds: float) -> None:
        self.durations[kind].append(seconds + TIME_RESOLUTION)

    def _usual_durations(self, kind: str) -> tuple[float, float]:
        """Return the second-shortest and the second-longest duration; of two, the shorter one."""
        known = sorted(self.durations[kind]) if self.knows(kind) else [DEFAULT_DURATION]
        usual = known[-2:][0]
        return min(known[:2][-1], usual), usual
