"""Authentication with API keys: callers, rates, and limits on failures."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.api_key_store import MemoryApiKeyStore
from adapters.memory.rate_limiter import MemoryRateLimiter
from domain.api_keys import ApiKey, StaticKey, digest_key
from domain.callers import ANYONE
from domain.errors import Forbidden, KeyRefused, RateLimited, Unauthenticated
from domain.rates import Rate
from domain.secrets import Secret
from ports.use_cases.authenticate_caller import (
    FAILURE_RATE,
    AuthenticateCaller,
    AuthenticatedCaller,
    Credentials,
)
from ports.use_cases.manage_api_keys import ApiKeyRequest, ManageApiKeys
from tests.support.clock import FakeClock
from tests.support.people import CALLER_SCOPES, create_caller
from tests.support.randomness import SeededRandomness

STATIC = {"web": "the key of the web page's proxy", "ci": "the key of the build machine"}
APP = "https://app.example"
HOME = "192.0.2.1"

UNKNOWN = "pgv_00000000_" + "0" * 64
WRONG = ["", "x", "pgv_", "pgv_00000000", UNKNOWN, UNKNOWN.upper(), "\udcff", "😀", "x" * 10_000]
NEARLY_STATIC = [STATIC["web"][:-1], STATIC["web"] + " ", STATIC["web"].upper(), "web"]

ONCE = Rate(1, 60)


@dataclass
class Authenticator:
    """Authentication over memory, with static keys of the operator."""

    is_open: bool = False
    key_store: MemoryApiKeyStore = field(default_factory=MemoryApiKeyStore)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.rates = MemoryRateLimiter(self.clock)
        self.keys = ManageApiKeys(
            key_store=self.key_store, clock=self.clock, randomness=SeededRandomness()
        )

    async def create_key(self, **more: Any) -> tuple[ApiKey, str]:
        """Create a key. Return its record and the key itself."""
        record, key = await self.keys.create(
            ApiKeyRequest(**{"name": "ann", "scopes": CALLER_SCOPES} | more)
        )
        return record, key.reveal()

    async def revoked(self) -> tuple[ApiKey, str]:
        record, key = await self.create_key()
        await self.keys.revoke(record.id)
        return record, key

    async def expired(self) -> tuple[ApiKey, str]:
        record, key = await self.create_key(ttl=timedelta(hours=1))
        assert (await self.authenticate(key)).caller == record.caller
        self.clock.passed += 3600
        return record, key

    async def authenticate(
        self, key: str | None, *, origin: str | None = None, address: str = HOME
    ) -> AuthenticatedCaller:
        static = [StaticKey(digest_key(Secret(key)), create_caller(n)) for n, key in STATIC.items()]
        admit = AuthenticateCaller(
            key_store=self.key_store,
            rate_limiter=self.rates,
            failures=self.rates,
            clock=self.clock,
            static_keys=static,
            is_open=self.is_open,
        )
        shown = None if key is None else Secret(key)
        return await admit(Credentials(key=shown, origin=origin, address=address))

    async def fail_to_authenticate(
        self, key: str | None, *, times: int = FAILURE_RATE.amount, address: str = HOME
    ) -> None:
        for number in range(times):
            expected = Unauthenticated if number < FAILURE_RATE.amount else RateLimited
            with pytest.raises(expected):
                await self.authenticate(key, address=address)


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator()


def forge_key(key: str) -> str:
    """Return a key with the same id and another secret."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_valid_key_authenticates_its_caller(is_open: bool) -> None:
    authenticator = Authenticator(is_open)
    record, key = await authenticator.create_key(quota=3)

    authenticated = await authenticator.authenticate(key)

    assert (authenticated.caller, authenticated.allowance) == (record.caller, None)


@pytest.mark.parametrize("name", STATIC)
async def test_an_operators_key_is_a_caller_of_its_own_and_needs_no_key_store(name: str) -> None:
    class BrokenRing(MemoryApiKeyStore):
        async def find(self, key_id: str) -> ApiKey | None:
            raise RateLimited("The registry was asked.")

    assert (
        await Authenticator(key_store=BrokenRing()).authenticate(STATIC[name])
    ).caller == create_caller(name)


async def test_a_request_without_a_key_is_refused(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer") as caught:
        await authenticator.authenticate(None)
    assert not isinstance(caught.value, KeyRefused)


@pytest.mark.parametrize("key", WRONG + NEARLY_STATIC, ids=lambda key: ascii(key)[:20])
async def test_an_invalid_key_is_refused(authenticator: Authenticator, key: str) -> None:
    await authenticator.create_key()
    with pytest.raises(KeyRefused):
        await authenticator.authenticate(key)


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_only_the_whole_key_reveals_that_it_was_revoked_or_has_expired(
    authenticator: Authenticator, end: str
) -> None:
    record, key = await (authenticator.revoked() if end == "revoked" else authenticator.expired())

    with pytest.raises(KeyRefused) as caught:
        await authenticator.authenticate(key)
    with pytest.raises(KeyRefused) as for_forged_key:
        await authenticator.authenticate(forge_key(key))

    ended = "was revoked" if end == "revoked" else "has expired"
    assert f"{record.id} {ended}" in str(caught.value)
    assert str(for_forged_key.value) == str(KeyRefused()), "the message reveals that the key exists"


async def test_no_message_contains_the_key(authenticator: Authenticator) -> None:
    record, key = await authenticator.expired()

    for shown in (key, forge_key(key), "hunter2", UNKNOWN):
        with pytest.raises(KeyRefused) as caught:
            await authenticator.authenticate(shown)
        assert shown not in repr(caught.value)
        assert key.removeprefix(record.id) not in repr(caught.value)


@pytest.mark.parametrize("key", [None, "", "a proxy's own key", UNKNOWN.upper()])
async def test_an_open_service_accepts_anything_but_a_key_and_counts_no_failures(
    key: str | None,
) -> None:
    authenticator = Authenticator(is_open=True)
    for _ in range(FAILURE_RATE.amount + 1):
        assert (await authenticator.authenticate(key)).caller == ANYONE


async def test_an_open_service_refuses_forged_and_revoked_keys() -> None:
    authenticator = Authenticator(is_open=True)
    _, revoked = await authenticator.revoked()

    for key in (revoked, UNKNOWN):
        with pytest.raises(KeyRefused):
            await authenticator.authenticate(key)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
async def test_a_key_for_web_pages_works_on_them_only_and_other_pages_do_not_use_its_rate(
    authenticator: Authenticator, origin: str | None
) -> None:
    _, key = await authenticator.create_key(origins=frozenset({APP}), rate=ONCE)
    for _ in range(5):
        with pytest.raises(Forbidden):
            await authenticator.authenticate(key, origin=origin)

    authenticated = await authenticator.authenticate(key, origin=APP)

    assert authenticated.caller.origins == {APP}
    assert authenticated.allowance


async def test_the_rate_of_a_key_holds_for_all_addresses(authenticator: Authenticator) -> None:
    _, key = await authenticator.create_key(rate=Rate(2, 60))
    _, other = await authenticator.create_key(rate=ONCE)
    allowances = [(await authenticator.authenticate(key)).allowance for _ in range(2)]
    assert [allowance and allowance.remaining for allowance in allowances] == [1, 0]

    with pytest.raises(RateLimited, match="API key is 2/min") as caught:
        await authenticator.authenticate(key, address="192.0.2.2")
    assert caught.value.retry_after == 60
    await authenticator.authenticate(other)  # each key of a caller has its own count

    authenticator.clock.passed += 60
    await authenticator.authenticate(key)


@pytest.mark.parametrize("key", [None, "wrong", UNKNOWN, "revoked"])
async def test_an_address_that_fails_too_often_is_rate_limited(
    authenticator: Authenticator, key: str | None
) -> None:
    if key == "revoked":
        _, key = await authenticator.revoked()
    await authenticator.fail_to_authenticate(key)

    with pytest.raises(RateLimited, match="from your address") as caught:
        await authenticator.authenticate(key)
    assert caught.value.retry_after == FAILURE_RATE.seconds

    authenticator.clock.passed += FAILURE_RATE.seconds
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(key)


async def test_a_valid_key_works_from_an_address_that_is_rate_limited(
    authenticator: Authenticator,
) -> None:
    """Otherwise one client could block all others behind the same address."""
    _, key = await authenticator.create_key()
    await authenticator.fail_to_authenticate(forge_key(key), times=FAILURE_RATE.amount + 5)

    assert (await authenticator.authenticate(key)).caller.name == "ann"
    assert (await authenticator.authenticate(STATIC["web"])).caller.name == "web"


async def test_valid_keys_do_not_count_as_failures(authenticator: Authenticator) -> None:
    for _ in range(FAILURE_RATE.amount + 1):
        await authenticator.authenticate(STATIC["web"])

    with pytest.raises(KeyRefused):
        await authenticator.authenticate("wrong")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("192.0.2.1", "192.0.2.2", KeyRefused),
        ("2001:db8::1", "2001:db8:0:1::1", KeyRefused),
        ("2001:db8::1", "192.0.2.1", KeyRefused),
        ("", "192.0.2.1", KeyRefused),
        ("2001:db8::1", "2001:db8::2", RateLimited),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", RateLimited),
        ("2001:db8::1", "2001:DB8:0::1", RateLimited),
    ],
)
async def test_failures_count_for_an_ipv6_network_of_64_bits(
    authenticator: Authenticator, one: str, other: str, expected: type[Exception]
) -> None:
    await authenticator.fail_to_authenticate("wrong", address=one)
    with pytest.raises(expected):
        await authenticator.authenticate("wrong", address=other)
