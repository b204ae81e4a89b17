"""Chance, as something that can be given."""

from abc import ABC, abstractmethod


class Randomness(ABC):
    @abstractmethod
    def entropy(self, size: int) -> bytes:
        """`size` bytes that nobody can foresee: for ids and salts."""

    @abstractmethod
    def suffix(self, alphabet: str, length: int) -> str:
        """`length` characters of `alphabet`, each as likely as the others: for names."""

    @abstractmethod
    def jitter(self) -> float:
        """A number in [0, 1): for pauses. It may be foreseen."""
