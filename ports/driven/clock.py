"""Time, as something that can be given."""

from abc import ABC, abstractmethod
from datetime import datetime


class Clock(ABC):
    @abstractmethod
    def now(self) -> datetime:
        """The wall clock, in UTC, with its timezone. It may jump."""

    @abstractmethod
    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back. Only differences mean something."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let others run for at least that long."""
