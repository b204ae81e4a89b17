"""How often something may be done."""

import re
from dataclasses import dataclass

from domain.errors import InvalidRequest, RateLimited

SHAPE = re.compile(r"([1-9][0-9]{0,5})/(s|sec|second|m|min|minute|h|hour|d|day)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = {1: "s", 60: "min", 3600: "h", 86400: "d"}


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` times in `seconds`."""

    amount: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.amount}/{_UNITS.get(self.seconds, f'{self.seconds} s')}"

    def allowance(self, hits: int, reset: float) -> "Allowance":
        """What comes of the last of so many `hits` in a window that ends in `reset` seconds."""
        return Allowance(
            rate=self,
            is_granted=hits <= self.amount,
            remaining=max(0, self.amount - hits),
            reset=reset,
        )


def parse_rate(text: str) -> Rate:
    """`10/min`, `5/s`, `100/hour`. Raises InvalidRequest."""
    found = SHAPE.fullmatch(text)
    if not found:
        raise InvalidRequest(f"{text[:63]!r} is no rate: write it as 10/min, with s, min, h or d.")
    return Rate(int(found[1]), _SECONDS[found[2][0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What came of one request under a rate: whether it may be done, how many more may be, and in
    how many seconds all may be again."""

    rate: Rate
    is_granted: bool
    remaining: int
    reset: float

    def check(self, refusal: str) -> None:
        """Raises RateLimited, with that message."""
        if not self.is_granted:
            amount, seconds = self.rate.amount, self.rate.seconds
            raise RateLimited(refusal, amount=amount, seconds=seconds, retry_after=self.reset)
