"""Find an API key in the store, so that invalid keys cause few reads."""

import asyncio
from dataclasses import dataclass, field

from domain.api_key_cache import ApiKeyCache
from domain.api_keys import ApiKey, digest_key, is_same_digest, parse_key_id
from domain.errors import KeyRefused
from domain.rates import Rate
from domain.secrets import Secret
from ports.driven.api_key_store import ApiKeyStore
from ports.driven.clock import Clock
from ports.driven.rate_limiter import RateLimiter

LOOKUP_RATE = Rate(20, 60)
"""How often the store is read for unknown keys from one network, and beyond that for each key that
exists."""

TOTAL_LOOKUP_RATE = Rate(600, 60)
"""The same for all networks together."""

LIST_TTL = 30.0
"""Seconds for which a list of the existing keys is used."""

REFUSAL = "Too many requests without a valid API key came from your address."


@dataclass
class KeyIdCache:
    """The ids of the existing keys, as of the time `at`."""

    ids: frozenset[str] = frozenset()
    at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class FindApiKey:
    """Returns a key that was valid a moment ago from memory.

    A key that was valid before is looked up, even if its network sends invalid keys. An unknown key
    is looked up within the limits of its network and of all networks, and beyond them only if a key
    of its id exists. So no network blocks another, and guesses cause a bounded number of reads.
    """

    key_store: ApiKeyStore
    failures: RateLimiter
    clock: Clock
    key_cache: ApiKeyCache
    id_cache: KeyIdCache = field(default_factory=KeyIdCache)

    async def __call__(self, secret: Secret, network: str) -> ApiKey:
        """Return the key's record. Raises KeyRefused, and RateLimited if it was not looked up."""
        key_id, digest = parse_key_id(secret), digest_key(secret)
        if key_id is None:
            raise KeyRefused
        if key := self.key_cache.get_fresh(key_id, digest, self.clock.elapsed()):
            key.check_valid(self.clock.now())
            return key
        if not self.key_cache.knows(key_id, digest):
            await self._count(key_id, network)
        return await self._look_up(key_id, digest)

    async def _look_up(self, key_id: str, digest: str) -> ApiKey:
        removals, asked_at = self.key_cache.removals, self.clock.elapsed()
        key = await self.key_store.find(key_id)
        if key is None or not is_same_digest(key.digest, digest):
            raise KeyRefused
        try:
            key.check_valid(self.clock.now())
        except KeyRefused:
            self.key_cache.forget(key_id)
            raise
        self.key_cache.remember(key, asked_at, removals)
        return key

    async def _count(self, key_id: str, network: str) -> None:
        allowance = await self.failures.hit(f"look-up {network}", LOOKUP_RATE)
        if allowance.is_granted:
            allowance = await self.failures.hit("look-up", TOTAL_LOOKUP_RATE)
        if not allowance.is_granted and key_id in await self._list_ids():
            allowance = await self.failures.hit(f"look-up {network} {key_id}", LOOKUP_RATE)
        allowance.check(REFUSAL)

    async def _list_ids(self) -> frozenset[str]:
        async with self.id_cache.lock:
            now, at = self.clock.elapsed(), self.id_cache.at
            if at is None or now - at >= LIST_TTL:
                self.id_cache.at = now  # after a failure too: do not read again at once
                self.id_cache.ids = frozenset(key.id for key in await self.key_store.list_all())
        return self.id_cache.ids
