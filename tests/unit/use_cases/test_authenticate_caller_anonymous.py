"""Anonymous callers that the operator allows to create databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.api_key_store import MemoryApiKeyStore
from adapters.memory.rate_limiter import MemoryRateLimiter
from domain.callers import ANONYMOUS, AnonymousAccess, Scope
from domain.errors import Forbidden, KeyRefused, QuotaReached, RateLimited, Unauthenticated
from domain.expiry import ExpiryPolicy
from domain.rates import Rate
from domain.secrets import Secret
from ports.use_cases.authenticate_caller import AuthenticateCaller, AuthenticatedCaller, Credentials
from tests.support.clock import FakeClock
from tests.support.memory_service import HOUR, MemoryService

DAY = timedelta(days=1)
ACCESS = AnonymousAccess(rate=Rate(2, 60), quota=2, max_ttl=HOUR)
STRANGER = Credentials(key=None, may_be_anonymous=True, address="192.0.2.1")


class Authenticator:
    """Authentication that allows anonymous callers; its replicas share the rates."""

    def __init__(self, access: AnonymousAccess | None = ACCESS) -> None:
        self.clock = FakeClock()
        self.rates = MemoryRateLimiter(self.clock)
        self.access = access

    def replica(self) -> AuthenticateCaller:
        return AuthenticateCaller(
            key_store=MemoryApiKeyStore(),
            rate_limiter=self.rates,
            failures=MemoryRateLimiter(self.clock),
            clock=self.clock,
            anonymous=self.access,
        )


async def test_an_anonymous_caller_may_only_create_within_the_operators_limits() -> None:
    admitted: AuthenticatedCaller = await Authenticator().replica()(STRANGER)

    caller = admitted.caller
    assert (caller.name, caller.scopes) == (ANONYMOUS, frozenset({Scope.CREATE}))
    assert (caller.quota, caller.max_ttl) == (2, HOUR)
    assert admitted.allowance
    assert admitted.allowance.remaining == 1


@pytest.mark.parametrize(
    ("access", "credentials", "error"),
    [
        (None, STRANGER, Unauthenticated),
        (ACCESS, replace(STRANGER, may_be_anonymous=False), Unauthenticated),
        (ACCESS, replace(STRANGER, key=Secret("wrong")), KeyRefused),
        (ACCESS, replace(STRANGER, key=Secret("")), KeyRefused),
    ],
    ids=["not opened", "another call", "a wrong key", "an empty key"],
)
async def test_nothing_else_allows_anonymous_access(
    access: AnonymousAccess | None, credentials: Credentials, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await Authenticator(access).replica()(credentials)


async def test_an_address_over_its_rate_is_refused_and_others_are_not() -> None:
    authenticator = Authenticator()
    first, second = authenticator.replica(), authenticator.replica()
    await first(STRANGER)
    await second(STRANGER)

    for replica in (first, second):
        with pytest.raises(RateLimited, match="the rate limit is 2/min: wait, or use an API key"):
            await replica(STRANGER)
    await first(replace(STRANGER, address="192.0.2.2"))
    authenticator.clock.passed += 60
    await first(STRANGER)


async def test_an_ipv6_network_counts_as_one_address() -> None:
    admit = Authenticator().replica()
    for host in ("2001:db8::1", "2001:db8::2"):
        await admit(replace(STRANGER, address=host))

    with pytest.raises(RateLimited):
        await admit(replace(STRANGER, address="2001:db8::3"))


async def test_all_anonymous_callers_share_one_quota(memory: MemoryService) -> None:
    for name in ("a", "b"):
        await memory.create(name, caller=ACCESS.caller)

    with pytest.raises(QuotaReached):
        await memory.create("c", caller=ACCESS.caller)
    await memory.create("d")


@pytest.mark.parametrize(
    ("policy", "lives"),
    [
        (ExpiryPolicy(), HOUR),
        (ExpiryPolicy(default=DAY), HOUR),
        (ExpiryPolicy(max_ttl=DAY), HOUR),
        (ExpiryPolicy(default=HOUR / 2, max_ttl=DAY), HOUR / 2),
        (ExpiryPolicy(max_ttl=HOUR / 2), HOUR / 2),
    ],
)
async def test_the_shorter_limit_sets_the_expiry_of_an_anonymous_database(
    policy: ExpiryPolicy, lives: timedelta
) -> None:
    record = (await MemoryService(expiry=policy).create(caller=ACCESS.caller)).database

    assert record.caller == ANONYMOUS
    assert record.expires_at == record.created_at + lives


async def test_an_anonymous_caller_cannot_use_an_idempotency_key(memory: MemoryService) -> None:
    with pytest.raises(Forbidden, match="Idempotency-Key belongs to a caller with an API key"):
        await memory.create(key="1", caller=ACCESS.caller)

    assert await memory.records() == []
