"""Exchange a one-time code for an API key."""

from dataclasses import dataclass, field

from domain.callers import Caller
from domain.errors import InvalidCode
from domain.one_time_code import CODE_BYTES, LIFETIME, MAX_WRONG_CODES, is_same_code, new_code
from domain.secrets import Secret
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.rate_limiter import RateLimiter
from ports.use_cases.authenticate_caller import count_failure


@dataclass(kw_only=True)
class Offer:
    """A key and its code. `wrong_codes` counts those that were sent since."""

    key: Secret
    caller: Caller
    code: Secret = field(repr=False)
    ends_at: float
    wrong_codes: int = 0


@dataclass(kw_only=True)
class ExchangeKey:
    """The code works once, for ten minutes, and until too many wrong ones were sent.

    Nothing is stored: the offer ends with this process. `failures` are those of AuthenticateCaller.
    """

    clock: Clock
    randomness: Randomness
    failures: RateLimiter
    _offer: Offer | None = field(default=None, init=False)

    def offer(self, key: Secret, caller: Caller) -> Secret:
        """Return a new code for the caller's key. It replaces the code before."""
        code = new_code(self.randomness.entropy(CODE_BYTES))
        ends_at = self.clock.elapsed() + LIFETIME
        self._offer = Offer(key=key, caller=caller, code=code, ends_at=ends_at)
        return code

    async def __call__(self, code: str, address: str) -> tuple[Secret, Caller]:
        """Return the key and its caller, once.

        Raises InvalidCode, and RateLimited instead after too many failures of the address, which do
        not block the right code.
        """
        if offer := self._take(code):
            return offer.key, offer.caller
        await count_failure(self.failures, address)
        raise InvalidCode

    def _take(self, code: str) -> Offer | None:
        """Return the offer if the code is right, and forget it if it has ended. No await separates
        the check from the change, so that of concurrent calls one gets the key."""
        offer = self._offer
        if offer is None or self.clock.elapsed() >= offer.ends_at:
            self._offer = None
            return None
        is_right = is_same_code(offer.code, code)
        offer.wrong_codes += not is_right
        if is_right or offer.wrong_codes >= MAX_WRONG_CODES:
            self._offer = None
        return offer if is_right else None
