"""Counting what may be done only so often."""

from abc import ABC, abstractmethod

from domain.rate import Allowance, Rate


class Rates(ABC):
    @abstractmethod
    async def hit(self, name: str, rate: Rate) -> Allowance:
        """Count one for `name`, and say whether that is within the rate.

        A window of `rate.seconds` begins with the first one; what was refused counts too. Of racing
        calls, no more are granted than the rate's amount. Who shares the store shares the count.
        May raise Unavailable.
        """
