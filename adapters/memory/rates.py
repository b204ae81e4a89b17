"""Rates that one process counts by itself."""

from dataclasses import dataclass, field

from domain.rate import Allowance, Rate
from ports.driven.clock import Clock
from ports.driven.rates import Rates

MOST = 10_000
"""Windows that are kept before those that have ended are thrown away."""


@dataclass(frozen=True, slots=True)
class Window:
    ends: float
    hits: int = 0


@dataclass(frozen=True)
class MemoryRates(Rates):
    clock: Clock
    _windows: dict[str, Window] = field(default_factory=dict, init=False)

    async def hit(self, name: str, rate: Rate) -> Allowance:
        now = self.clock.elapsed()
        window = self._windows.get(name)
        if window is None or window.ends <= now:
            self._forget_ended(now)
            window = Window(now + rate.seconds)
        window = self._windows[name] = Window(window.ends, window.hits + 1)
        return rate.allowance(window.hits, window.ends - now)

    def _forget_ended(self, now: float) -> None:
        if len(self._windows) >= MOST:
            for name in [name for name, window in self._windows.items() if window.ends <= now]:
                del self._windows[name]
