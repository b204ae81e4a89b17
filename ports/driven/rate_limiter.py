"""The rate limiter."""

from abc import ABC, abstractmethod

from domain.rates import Allowance, Rate


class RateLimiter(ABC):
    @abstractmethod
    async def hit(self, name: str, rate: Rate) -> Allowance:
        """Count one call for `name`, and return whether it is within the rate.

        A window of `rate.seconds` begins with the first call; refused calls count too. Of
        concurrent calls, at most the rate's amount is granted. Processes that share the store share
        the count. May raise Unavailable.
        """
