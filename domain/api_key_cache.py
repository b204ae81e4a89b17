"""A cache of valid API keys."""

from collections import OrderedDict
from dataclasses import dataclass, field

from domain.api_keys import ApiKey, is_same_digest

FRESH_SECONDS = 5.0
"""Seconds until a cached key is looked up again; for as long, a key that another process revoked is
still accepted."""

MAX_KEYS = 10_000
"""The number of cached keys; beyond it, the least recently used key is evicted."""


@dataclass
class ApiKeyCache:
    """Valid keys by id, each with the time of its last lookup in the registry.

    `removals` counts the removed keys: a lookup that started before a removal may be out of date.
    """

    max_keys: int = MAX_KEYS
    removals: int = 0
    _known: OrderedDict[str, tuple[ApiKey, float]] = field(default_factory=OrderedDict)

    def knows(self, key_id: str, digest: str) -> bool:
        """Return whether a key with that digest was valid before; it may be revoked since."""
        known = self._known.get(key_id)
        return known is not None and is_same_digest(known[0].digest, digest)

    def get_fresh(self, key_id: str, digest: str, now: float) -> ApiKey | None:
        """Return the key if it was looked up less than FRESH_SECONDS ago."""
        if not self.knows(key_id, digest):
            return None
        self._known.move_to_end(key_id)
        key, looked_up_at = self._known[key_id]
        return key if now - looked_up_at < FRESH_SECONDS else None

    def remember(self, key: ApiKey, now: float, removals: int) -> None:
        """Cache a key that was valid at `now`, unless one was removed since `removals` was read."""
        if removals == self.removals:
            self._known[key.id] = key, now
            self._known.move_to_end(key.id)
        if len(self._known) > self.max_keys:
            self._known.popitem(last=False)

    def forget(self, key_id: str) -> None:
        self._known.pop(key_id, None)
        self.removals += 1
