"""Rates: how many requests are allowed in a time window."""

import re
from dataclasses import dataclass

from domain.errors import InvalidRequest, RateLimited

RATE_PATTERN = re.compile(r"([1-9][0-9]{0,5})/(s|sec|second|m|min|minute|h|hour|d|day)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = {1: "s", 60: "min", 3600: "h", 86400: "d"}


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` requests in `seconds` seconds."""

    amount: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.amount}/{_UNITS.get(self.seconds, f'{self.seconds} s')}"

    def calculate_allowance(self, hits: int, reset: float) -> "Allowance":
        """Return the allowance of the last of `hits` requests in a window that ends in `reset`
        seconds."""
        return Allowance(
            rate=self,
            is_granted=hits <= self.amount,
            remaining=max(0, self.amount - hits),
            reset=reset,
        )


def parse_rate(text: str) -> Rate:
    """Parse `10/min`, `5/s`, `100/hour`. Raises InvalidRequest."""
    found = RATE_PATTERN.fullmatch(text)
    if not found:
        raise InvalidRequest(f"{text[:63]!r} is not a rate: write 10/min; units are s, min, h, d.")
    return Rate(int(found[1]), _SECONDS[found[2][0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The decision about one request: whether it is granted, how many more requests remain, and in
    how many seconds the window ends."""

    rate: Rate
    is_granted: bool
    remaining: int
    reset: float

    def check(self, refusal: str) -> None:
        """Raise RateLimited with that message if the request is not granted."""
        if not self.is_granted:
            amount, seconds = self.rate.amount, self.rate.seconds
            raise RateLimited(refusal, amount=amount, seconds=seconds, retry_after=self.reset)
