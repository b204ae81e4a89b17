"""Reproducible randomness."""

import random

from ports.driven.randomness import Randomness


class SeededRandomness(Randomness):
    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - tests want to foresee it

    def entropy(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def suffix(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def jitter(self) -> float:
        return self._random.random()
