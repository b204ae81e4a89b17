"""Authentication with API keys: callers, rates, and limits on failures."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.api_key_store import MemoryKeyRing
from adapters.memory.rate_limiter import MemoryRates
from domain.api_keys import ApiKey, StaticKey, digest_of
from domain.callers import ANYONE
from domain.errors import Forbidden, KeyRefused, RateLimited, Unauthenticated
from domain.rates import Rate
from domain.secrets import Secret
from ports.use_cases.authenticate_caller import FAILURES, AdmitCaller, Admitted, Knock
from ports.use_cases.manage_api_keys import KeyRequest, ManageKeys
from tests.support.clock import FakeClock
from tests.support.people import USUAL, person
from tests.support.randomness import SeededRandomness

STATIC = {"web": "the key of the web page's proxy", "ci": "the key of the build machine"}
APP = "https://app.example"
HOME = "192.0.2.1"

UNKNOWN = "pgv_00000000_" + "0" * 64
WRONG = ["", "x", "pgv_", "pgv_00000000", UNKNOWN, UNKNOWN.upper(), "\udcff", "😀", "x" * 10_000]
NEARLY_STATIC = [STATIC["web"][:-1], STATIC["web"] + " ", STATIC["web"].upper(), "web"]

ONCE = Rate(1, 60)


@dataclass
class Door:
    """Authentication over memory, with static keys of the operator."""

    is_open: bool = False
    ring: MemoryKeyRing = field(default_factory=MemoryKeyRing)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.rates = MemoryRates(self.clock)
        self.keys = ManageKeys(ring=self.ring, clock=self.clock, randomness=SeededRandomness())

    async def made(self, **more: Any) -> tuple[ApiKey, str]:
        """Create a key. Return its record and the key itself."""
        record, key = await self.keys.create(KeyRequest(**{"name": "ann", "scopes": USUAL} | more))
        return record, key.reveal()

    async def revoked(self) -> tuple[ApiKey, str]:
        record, key = await self.made()
        await self.keys.revoke(record.id)
        return record, key

    async def expired(self) -> tuple[ApiKey, str]:
        record, key = await self.made(ttl=timedelta(hours=1))
        assert (await self.knock(key)).caller == record.caller
        self.clock.passed += 3600
        return record, key

    async def knock(
        self, key: str | None, *, origin: str | None = None, address: str = HOME
    ) -> Admitted:
        static = [StaticKey(digest_of(Secret(key)), person(n)) for n, key in STATIC.items()]
        admit = AdmitCaller(
            ring=self.ring,
            rate_limiter=self.rates,
            failures=self.rates,
            clock=self.clock,
            static_keys=static,
            is_open=self.is_open,
        )
        shown = None if key is None else Secret(key)
        return await admit(Knock(key=shown, origin=origin, address=address))

    async def knock_in_vain(
        self, key: str | None, *, times: int = FAILURES.amount, address: str = HOME
    ) -> None:
        for number in range(times):
            expected = Unauthenticated if number < FAILURES.amount else RateLimited
            with pytest.raises(expected):
                await self.knock(key, address=address)


@pytest.fixture
def door() -> Door:
    return Door()


def forged(key: str) -> str:
    """Return a key with the same id and another secret."""
    return key[:-1] + ("0" if key[-1] != "0" else "1")


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_valid_key_authenticates_its_caller(is_open: bool) -> None:
    door = Door(is_open)
    record, key = await door.made(quota=3)

    admitted = await door.knock(key)

    assert (admitted.caller, admitted.allowance) == (record.caller, None)


@pytest.mark.parametrize("name", STATIC)
async def test_an_operators_key_is_a_caller_of_its_own_and_needs_no_key_store(name: str) -> None:
    class BrokenRing(MemoryKeyRing):
        async def find(self, key_id: str) -> ApiKey | None:
            raise RateLimited("The registry was asked.")

    assert (await Door(ring=BrokenRing()).knock(STATIC[name])).caller == person(name)


async def test_a_request_without_a_key_is_refused(door: Door) -> None:
    with pytest.raises(Unauthenticated, match="Authorization: Bearer") as caught:
        await door.knock(None)
    assert not isinstance(caught.value, KeyRefused)


@pytest.mark.parametrize("key", WRONG + NEARLY_STATIC, ids=lambda key: ascii(key)[:20])
async def test_an_invalid_key_is_refused(door: Door, key: str) -> None:
    await door.made()
    with pytest.raises(KeyRefused):
        await door.knock(key)


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_only_the_whole_key_reveals_that_it_was_revoked_or_has_expired(
    door: Door, end: str
) -> None:
    record, key = await (door.revoked() if end == "revoked" else door.expired())

    with pytest.raises(KeyRefused) as caught:
        await door.knock(key)
    with pytest.raises(KeyRefused) as for_forged_key:
        await door.knock(forged(key))

    ended = "was revoked" if end == "revoked" else "has expired"
    assert f"{record.id} {ended}" in str(caught.value)
    assert str(for_forged_key.value) == str(KeyRefused()), "the message reveals that the key exists"


async def test_no_message_contains_the_key(door: Door) -> None:
    record, key = await door.expired()

    for shown in (key, forged(key), "hunter2", UNKNOWN):
        with pytest.raises(KeyRefused) as caught:
            await door.knock(shown)
        assert shown not in repr(caught.value)
        assert key.removeprefix(record.id) not in repr(caught.value)


@pytest.mark.parametrize("key", [None, "", "a proxy's own key", UNKNOWN.upper()])
async def test_an_open_service_accepts_anything_but_a_key_and_counts_no_failures(
    key: str | None,
) -> None:
    door = Door(is_open=True)
    for _ in range(FAILURES.amount + 1):
        assert (await door.knock(key)).caller == ANYONE


async def test_an_open_service_refuses_forged_and_revoked_keys() -> None:
    door = Door(is_open=True)
    _, revoked = await door.revoked()

    for key in (revoked, UNKNOWN):
        with pytest.raises(KeyRefused):
            await door.knock(key)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
async def test_a_key_for_web_pages_works_on_them_only_and_other_pages_do_not_use_its_rate(
    door: Door, origin: str | None
) -> None:
    _, key = await door.made(origins=frozenset({APP}), rate=ONCE)
    for _ in range(5):
        with pytest.raises(Forbidden):
            await door.knock(key, origin=origin)

    admitted = await door.knock(key, origin=APP)

    assert admitted.caller.origins == {APP}
    assert admitted.allowance


async def test_the_rate_of_a_key_holds_for_all_addresses(door: Door) -> None:
    _, key = await door.made(rate=Rate(2, 60))
    _, other = await door.made(rate=ONCE)
    allowances = [(await door.knock(key)).allowance for _ in range(2)]
    assert [allowance and allowance.remaining for allowance in allowances] == [1, 0]

    with pytest.raises(RateLimited, match="API key is 2/min") as caught:
        await door.knock(key, address="192.0.2.2")
    assert caught.value.retry_after == 60
    await door.knock(other)  # each key of a caller has its own count

    door.clock.passed += 60
    await door.knock(key)


@pytest.mark.parametrize("key", [None, "wrong", UNKNOWN, "revoked"])
async def test_an_address_that_fails_too_often_is_rate_limited(door: Door, key: str | None) -> None:
    if key == "revoked":
        _, key = await door.revoked()
    await door.knock_in_vain(key)

    with pytest.raises(RateLimited, match="from your address") as caught:
        await door.knock(key)
    assert caught.value.retry_after == FAILURES.seconds

    door.clock.passed += FAILURES.seconds
    with pytest.raises(Unauthenticated):
        await door.knock(key)


async def test_a_valid_key_works_from_an_address_that_is_rate_limited(door: Door) -> None:
    """Otherwise one client could block all others behind the same address."""
    _, key = await door.made()
    await door.knock_in_vain(forged(key), times=FAILURES.amount + 5)

    assert (await door.knock(key)).caller.name == "ann"
    assert (await door.knock(STATIC["web"])).caller.name == "web"


async def test_valid_keys_do_not_count_as_failures(door: Door) -> None:
    for _ in range(FAILURES.amount + 1):
        await door.knock(STATIC["web"])

    with pytest.raises(KeyRefused):
        await door.knock("wrong")


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
    door: Door, one: str, other: str, expected: type[Exception]
) -> None:
    await door.knock_in_vain("wrong", address=one)
    with pytest.raises(expected):
        await door.knock("wrong", address=other)
