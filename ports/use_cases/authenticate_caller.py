"""Authenticate a caller."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv6Address, ip_address, ip_network

from domain.api_key_cache import ApiKeyCache
from domain.api_keys import StaticKey, digest_key, is_same_digest, parse_key_id
from domain.callers import ANYONE, AnonymousAccess, Caller
from domain.errors import Unauthenticated
from domain.rates import Allowance, Rate
from domain.secrets import Secret
from ports.driven.api_key_store import ApiKeyStore
from ports.driven.clock import Clock
from ports.driven.rate_limiter import RateLimiter
from ports.use_cases.find_api_key import REFUSAL, FindApiKey

FAILURE_RATE = Rate(20, 60)
"""How often one address may send no key or an invalid one before it is rate-limited."""

IPV6_NETWORK_BITS = 64
"""Bits that identify a network in an IPv6 address: a client usually has all of its addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The API key, the origin and the address of a request.

    `may_be_anonymous` is true if the operator may allow the call without a key, and the request has
    nothing that could be meant as a key.
    """

    key: Secret | None
    may_be_anonymous: bool = False
    origin: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class AuthenticatedCaller:
    """`allowance` is the rest of the caller's rate, None without a rate."""

    caller: Caller
    allowance: Allowance | None = None


@dataclass(frozen=True, kw_only=True)
class AuthenticateCaller:
    """Valid keys are the operator's `static_keys` and those of the store.

    A service that `is_open` accepts requests without a key, or with a text that cannot be one of
    its keys, but no revoked or forged key. `failures` are counted by each process, so that
    strangers cause no writes in the registry. `key_cache` has keys that were valid before; revoking
    a key removes it there. `anonymous` are the limits of callers without keys, None if they are not
    allowed.
    """

    key_store: ApiKeyStore
    rate_limiter: RateLimiter
    failures: RateLimiter
    clock: Clock
    key_cache: ApiKeyCache = field(default_factory=ApiKeyCache)
    static_keys: Sequence[StaticKey] = ()
    is_open: bool = False
    anonymous: AnonymousAccess | None = None

    async def __call__(self, credentials: Credentials) -> AuthenticatedCaller:
        """Return the caller, and count the request.

        Raises Unauthenticated and KeyRefused, RateLimited instead after too many failures of one
        address or too many requests of one caller, and Forbidden for origins that the key does not
        allow. Failures of an address do not block valid keys from it.
        """
        if self.anonymous and credentials.may_be_anonymous and credentials.key is None:
            return await self._authenticate_anonymous(
                self.anonymous, _find_network(credentials.address)
            )
        try:
            caller = await self._identify(credentials.key, _find_network(credentials.address))
        except Unauthenticated:
            await count_failure(self.failures, credentials.address)
            raise
        caller.check_origin(credentials.origin)
        return AuthenticatedCaller(caller, await self._count_request(caller))

    async def check_key(self, credentials: Credentials) -> None:
        """Check again a key that was valid before, and count no request. Raises Unauthenticated if
        it was revoked or has expired, and Unavailable."""
        await self._identify(credentials.key, _find_network(credentials.address))

    async def _identify(self, key: Secret | None, network: str) -> Caller:
        if key is None:
            if self.is_open:
                return ANYONE
            raise Unauthenticated
        if caller := self._find_static_key(key):
            return caller
        if self.is_open and not parse_key_id(key):
            return ANYONE  # a proxy may add an Authorization header of its own
        return (await self._find_key(key, network)).caller

    def _find_static_key(self, key: Secret) -> Caller | None:
        """Compare all keys, so that the time does not reveal which one matches."""
        digest = digest_key(key)
        found = [known.caller for known in self.static_keys if is_same_digest(known.digest, digest)]
        return found[0] if found else None

    @cached_property
    def _find_key(self) -> FindApiKey:
        return FindApiKey(
            key_store=self.key_store,
            failures=self.failures,
            clock=self.clock,
            key_cache=self.key_cache,
        )

    async def _authenticate_anonymous(
        self, access: AnonymousAccess, network: str
    ) -> AuthenticatedCaller:
        """Count for the address, first in this process: a refusal here writes nothing."""
        refusal = f"Without an API key, the rate limit is {access.rate}: wait, or use an API key."
        local = await self.failures.hit(f"anonymous local {network}", access.rate)
        local.check(refusal)
        allowance = await self.rate_limiter.hit(f"anonymous {network}", access.rate)
        allowance.check(refusal)
        return AuthenticatedCaller(access.caller, allowance)

    async def _count_request(self, caller: Caller) -> Allowance | None:
        if caller.rate is None:
            return None
        allowance = await self.rate_limiter.hit(f"key {caller.key}", caller.rate)
        allowance.check(
            f"The rate limit of the API key is {caller.rate}: wait before the next request."
        )
        return allowance


async def count_failure(failures: RateLimiter, address: str) -> None:
    """Count a refused request of the address. Raises RateLimited after too many of them."""
    allowance = await failures.hit(f"refused {_find_network(address)}", FAILURE_RATE)
    allowance.check(REFUSAL)


def _find_network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    is_v6 = isinstance(parsed, IPv6Address)
    return str(ip_network((parsed, IPV6_NETWORK_BITS), strict=False)) if is_v6 else address
