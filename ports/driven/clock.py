"""The clock."""

from abc import ABC, abstractmethod
from datetime import datetime


class Clock(ABC):
    @abstractmethod
    def now(self) -> datetime:
        """Return the wall-clock time in UTC, with its time zone. It may jump."""

    @abstractmethod
    def elapsed(self) -> float:
        """Return the seconds since a fixed moment. They never go back; only differences count."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for at least that long."""
