"""Random numbers of the operating system."""

import random
import secrets

from ports.driven.randomness import Randomness


class SystemRandomness(Randomness):
    def entropy(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def suffix(self, alphabet: str, length: int) -> str:
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads pauses; predicting one is harmless
