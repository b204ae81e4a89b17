"""Find an API key in the store, so that invalid keys cause few reads."""

import asyncio
from dataclasses import dataclass, field

from domain.api_key_cache import KnownKeys
from domain.api_keys import ApiKey, digest_of, id_in, is_same
from domain.errors import KeyRefused
from domain.rates import Rate
from domain.secrets import Secret
from ports.driven.api_key_store import KeyRing
from ports.driven.clock import Clock
from ports.driven.rate_limiter import Rates

LOOKUPS = Rate(20, 60)
"""How often the store is read for unknown keys from one network, and beyond that for each key that
exists."""

ALL_LOOKUPS = Rate(600, 60)
"""The same for all networks together."""

LISTED = 30.0
"""Seconds for which a list of the existing keys is used."""

REFUSAL = "Too many requests without a valid API key came from your address."


@dataclass
class Listing:
    """The ids of the existing keys, as of the time `at`."""

    ids: frozenset[str] = frozenset()
    at: float | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class FindKey:
    """Returns a key that was valid a moment ago from memory.

    A key that was valid before is looked up, even if its network sends invalid keys. An unknown key
    is looked up within the limits of its network and of all networks, and beyond them only if a key
    of its id exists. So no network blocks another, and guesses cause a bounded number of reads.
    """

    ring: KeyRing
    failures: Rates
    clock: Clock
    known: KnownKeys
    listing: Listing = field(default_factory=Listing)

    async def __call__(self, shown: Secret, network: str) -> ApiKey:
        """Return the key's record. Raises KeyRefused, and RateLimited if it was not looked up."""
        key_id, digest = id_in(shown), digest_of(shown)
        if key_id is None:
            raise KeyRefused
        if key := self.known.fresh(key_id, digest, self.clock.elapsed()):
            key.check_valid(self.clock.now())
            return key
        if not self.known.knows(key_id, digest):
            await self._count(key_id, network)
        return await self._looked_up(key_id, digest)

    async def _looked_up(self, key_id: str, digest: str) -> ApiKey:
        changes, asked_at = self.known.changes, self.clock.elapsed()
        key = await self.ring.find(key_id)
        if key is None or not is_same(key.digest, digest):
            raise KeyRefused
        try:
            key.check_valid(self.clock.now())
        except KeyRefused:
            self.known.forget(key_id)
            raise
        self.known.remember(key, asked_at, changes)
        return key

    async def _count(self, key_id: str, network: str) -> None:
        share = await self.failures.hit(f"look-up {network}", LOOKUPS)
        if share.is_granted:
            share = await self.failures.hit("look-up", ALL_LOOKUPS)
        if not share.is_granted and key_id in await self._ids():
            share = await self.failures.hit(f"look-up {network} {key_id}", LOOKUPS)
        share.check(REFUSAL)

    async def _ids(self) -> frozenset[str]:
        async with self.listing.asking:
            now, at = self.clock.elapsed(), self.listing.at
            if at is None or now - at >= LISTED:
                self.listing.at = now  # a failed list is not read again at once either
                self.listing.ids = frozenset(key.id for key in await self.ring.every())
        return self.listing.ids
