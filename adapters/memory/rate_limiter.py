"""A rate limiter for one process."""

from collections import OrderedDict
from dataclasses import dataclass, field

from domain.rates import Allowance, Rate
from ports.driven.clock import Clock
from ports.driven.rate_limiter import RateLimiter

MAX_WINDOWS = 100_000
"""Maximum number of windows. Beyond it the oldest one is dropped, and its count starts again."""

SCANNED_PER_WINDOW = 2
"""Windows to inspect for each new one, so that expired windows do not stay for long."""


@dataclass(frozen=True, slots=True)
class Window:
    ends: float
    hits: int = 0


@dataclass(frozen=True)
class MemoryRateLimiter(RateLimiter):
    clock: Clock
    max_windows: int = MAX_WINDOWS
    _windows: OrderedDict[str, Window] = field(default_factory=OrderedDict, init=False)

    async def hit(self, name: str, rate: Rate) -> Allowance:
        now = self.clock.elapsed()
        window = self._windows.get(name)
        if window is None or window.ends <= now:
            self._evict_expired(now)
            if window is None and len(self._windows) >= self.max_windows:
                self._windows.popitem(last=False)
            window = Window(now + rate.seconds)
        window = self._windows[name] = Window(window.ends, window.hits + 1)
        return rate.calculate_allowance(window.hits, window.ends - now)

    def _evict_expired(self, now: float) -> None:
        for _ in range(min(SCANNED_PER_WINDOW, len(self._windows))):
            name, window = self._windows.popitem(last=False)
            if window.ends > now:
                self._windows[name] = window
