"""API keys that were right before, kept in memory."""

from collections import OrderedDict
from dataclasses import dataclass, field

from domain.keys import ApiKey, is_same

FRESH = 5.0
"""Seconds that a right key is answered for from memory; as long a key that another process revoked
is let in."""

MOST = 10_000
"""Keys that are kept; beyond that the one that was shown longest ago is forgotten."""


@dataclass
class KnownKeys:
    """Right keys by their ids, each with the moment at which the records were last asked for it.

    `changes` counts what was forgotten: what the records said before that may be out of date.
    """

    most: int = MOST
    changes: int = 0
    _known: OrderedDict[str, tuple[ApiKey, float]] = field(default_factory=OrderedDict)

    def knows(self, key_id: str, digest: str) -> bool:
        """Tell whether a key of that digest was right before, whatever became of it since."""
        known = self._known.get(key_id)
        return known is not None and is_same(known[0].digest, digest)

    def fresh(self, key_id: str, digest: str, now: float) -> ApiKey | None:
        """Return the key if it was right a moment ago."""
        if not self.knows(key_id, digest):
            return None
        self._known.move_to_end(key_id)
        key, asked_at = self._known[key_id]
        return key if now - asked_at < FRESH else None

    def remember(self, key: ApiKey, now: float, changes: int) -> None:
        """Keep a key that the records called right at `now`, when `changes` was as given."""
        if changes == self.changes:
            self._known[key.id] = key, now
            self._known.move_to_end(key.id)
        if len(self._known) > self.most:
            self._known.popitem(last=False)

    def forget(self, key_id: str) -> None:
        self._known.pop(key_id, None)
        self.changes += 1
