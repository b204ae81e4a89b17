"""The source of randomness."""

from abc import ABC, abstractmethod


class Randomness(ABC):
    @abstractmethod
    def entropy(self, size: int) -> bytes:
        """Return `size` unpredictable bytes, for ids and salts."""

    @abstractmethod
    def suffix(self, alphabet: str, length: int) -> str:
        """Return `length` characters of `alphabet`, uniformly distributed, for names."""

    @abstractmethod
    def jitter(self) -> float:
        """Return a number in [0, 1), for pauses. It may be predictable."""
