"""Invalid keys cause a bounded number of reads and block no valid key."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from adapters.memory.api_key_store import MemoryApiKeyStore
from adapters.memory.rate_limiter import MemoryRateLimiter
from domain.api_key_cache import FRESH_SECONDS, ApiKeyCache
from domain.api_keys import ApiKey, new_key
from domain.errors import KeyRefused, RateLimited
from domain.secrets import Secret
from ports.use_cases.find_api_key import LIST_TTL, LOOKUP_RATE, TOTAL_LOOKUP_RATE, FindApiKey
from ports.use_cases.manage_api_keys import ApiKeyRequest, ManageApiKeys
from tests.support.clock import FakeClock
from tests.support.people import CALLER_SCOPES
from tests.support.randomness import SeededRandomness

HOME, AWAY = "192.0.2.1", "192.0.2.2"


class CountingRing(MemoryApiKeyStore):
    """Counts its calls."""

    lookups = lists = 0

    async def find(self, key_id: str) -> ApiKey | None:
        self.lookups += 1
        return await super().find(key_id)

    async def list_all(self) -> list[ApiKey]:
        self.lists += 1
        return await super().list_all()


class SlowRing(CountingRing):
    """Returns what it found once it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.found, self.may_answer = asyncio.Event(), asyncio.Event()

    async def find(self, key_id: str) -> ApiKey | None:
        found = await super().find(key_id)
        self.found.set()
        await self.may_answer.wait()
        return found


@dataclass
class Replicas:
    """Two processes over the same store: `here` and `there`."""

    key_store: CountingRing = field(default_factory=CountingRing)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.known = ApiKeyCache()
        self.find = FindApiKey(
            key_store=self.key_store,
            failures=MemoryRateLimiter(self.clock),
            clock=self.clock,
            key_cache=self.known,
        )
        self.here, self.there = self._keys(self.known), self._keys(ApiKeyCache())

    def _keys(self, known: ApiKeyCache) -> ManageApiKeys:
        randomness = SeededRandomness()
        return ManageApiKeys(
            key_store=self.key_store, clock=self.clock, randomness=randomness, key_cache=known
        )

    async def created(self, ttl: timedelta | None = None) -> tuple[str, Secret]:
        """Create a key with the other process."""
        record, key = await self.there.create(
            ApiKeyRequest(name="ann", scopes=CALLER_SCOPES, ttl=ttl)
        )
        return record.id, key

    async def guess(self, times: int, network: str = HOME) -> None:
        for number in range(times):
            _, guesses = new_key(number.to_bytes(37))
            with pytest.raises((KeyRefused, RateLimited)):
                await self.find(guesses, network)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


async def test_guesses_of_one_network_cause_a_bounded_number_of_reads(replicas: Replicas) -> None:
    for network in (HOME, AWAY):
        await replicas.guess(200, network)
    assert replicas.key_store.lookups == 2 * LOOKUP_RATE.amount
    assert replicas.key_store.lists == 1

    replicas.clock.passed += LOOKUP_RATE.seconds
    await replicas.guess(200)
    assert replicas.key_store.lookups == 3 * LOOKUP_RATE.amount
    assert replicas.key_store.lists == 2


async def test_guesses_of_many_networks_are_bounded_together_and_block_no_valid_key(
    replicas: Replicas,
) -> None:
    _, key = await replicas.created()
    for number in range(2 * TOTAL_LOOKUP_RATE.amount):
        await replicas.guess(1, f"2001:db8:{number:x}::/64")
    assert replicas.key_store.lookups == TOTAL_LOOKUP_RATE.amount
    assert (await replicas.find(key, HOME)).name == "ann"


async def test_concurrent_guesses_are_bounded_too(replicas: Replicas) -> None:
    await asyncio.gather(*[replicas.guess(1) for _ in range(200)])
    assert (replicas.key_store.lookups, replicas.key_store.lists) == (LOOKUP_RATE.amount, 1)


async def test_a_text_that_cannot_be_a_key_is_not_looked_up(replicas: Replicas) -> None:
    with pytest.raises(KeyRefused):
        await replicas.find(Secret("a proxy's own key"), HOME)
    assert replicas.key_store.lookups == 0


async def test_a_valid_key_is_found_in_memory_for_a_while(replicas: Replicas) -> None:
    _, key = await replicas.created()
    for _ in range(50):
        await replicas.find(key, HOME)
    assert replicas.key_store.lookups == 1
    replicas.clock.passed += FRESH_SECONDS
    await replicas.find(key, HOME)
    assert replicas.key_store.lookups == 2


async def test_a_known_key_works_despite_guesses_from_its_network(replicas: Replicas) -> None:
    _, key = await replicas.created()
    await replicas.find(key, HOME)
    for _ in range(3):
        await replicas.guess(200)
        replicas.clock.passed += FRESH_SECONDS
        assert (await replicas.find(key, HOME)).name == "ann"


async def test_a_key_that_this_process_has_not_seen_works_despite_guesses(
    replicas: Replicas,
) -> None:
    _, key = await replicas.created()
    await replicas.guess(200)
    assert (await replicas.find(key, HOME)).name == "ann"

    _, later = await replicas.created()
    with pytest.raises(RateLimited):
        await replicas.find(later, HOME)
    replicas.clock.passed += LIST_TTL
    assert (await replicas.find(later, HOME)).name == "ann"


async def test_a_key_created_by_this_process_works_at_once(replicas: Replicas) -> None:
    await replicas.guess(200)
    _, key = await replicas.here.create(ApiKeyRequest(name="ann", scopes=CALLER_SCOPES))
    assert (await replicas.find(key, HOME)).name == "ann"


async def test_guesses_for_a_known_id_are_bounded(replicas: Replicas) -> None:
    key_id, key = await replicas.created()
    await replicas.find(key, HOME)
    for number in range(200):
        with pytest.raises((KeyRefused, RateLimited)):
            await replicas.find(Secret(f"{key_id}_{number:064x}"), HOME)
    assert replicas.key_store.lookups == 2 * LOOKUP_RATE.amount
    assert (await replicas.find(key, HOME)).id == key_id


async def test_a_key_revoked_by_this_process_is_refused_at_once(replicas: Replicas) -> None:
    key_id, key = await replicas.created()
    await replicas.find(key, HOME)
    await replicas.here.revoke(key_id)
    with pytest.raises(KeyRefused, match="was revoked"):
        await replicas.find(key, HOME)


async def test_a_key_revoked_by_another_process_is_refused_after_a_while(
    replicas: Replicas,
) -> None:
    key_id, key = await replicas.created()
    await replicas.find(key, HOME)
    await replicas.there.revoke(key_id)
    replicas.clock.passed += FRESH_SECONDS
    for _ in range(LOOKUP_RATE.amount + 1):
        with pytest.raises(KeyRefused, match="was revoked"):
            await replicas.find(key, HOME)


async def test_a_key_in_memory_that_expires_is_refused(replicas: Replicas) -> None:
    _, key = await replicas.created(ttl=timedelta(seconds=FRESH_SECONDS / 2))
    await replicas.find(key, HOME)
    replicas.clock.passed += FRESH_SECONDS / 2
    with pytest.raises(KeyRefused, match="has expired"):
        await replicas.find(key, HOME)


async def test_a_key_revoked_during_its_look_up_is_not_stored_in_memory() -> None:
    key_store = SlowRing()
    replicas = Replicas(key_store=key_store)
    key_id, key = await replicas.created()
    looking = asyncio.create_task(replicas.find(key, HOME))
    await key_store.found.wait()
    await replicas.here.revoke(key_id)
    key_store.may_answer.set()
    await looking
    with pytest.raises(KeyRefused, match="was revoked"):
        await replicas.find(key, HOME)


async def test_the_memory_is_bounded_and_drops_the_least_recently_used_key() -> None:
    replicas, known = Replicas(), ApiKeyCache(max_keys=2)
    keys = [
        await replicas.there.create(ApiKeyRequest(name="ann", scopes=CALLER_SCOPES))
        for _ in range(3)
    ]
    for record, _ in keys[:2]:
        known.remember(record, 0, known.removals)
    assert known.get_fresh(keys[0][0].id, keys[0][0].digest, 0)
    known.remember(keys[2][0], 0, known.removals)
    assert [known.knows(record.id, record.digest) for record, _ in keys] == [True, False, True]
