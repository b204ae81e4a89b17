"""Lanes of deliveries: how many webhooks are sent to at once, so that none holds up others."""

from collections.abc import Collection
from dataclasses import dataclass, field

MAX_WEBHOOKS = 16

MAX_SLOW = MAX_WEBHOOKS // 2
"""Lanes that slow receivers can take; the others stay free for the rest."""

SLOW_AFTER = 5.0
"""Seconds."""

MAX_REMEMBERED = 10_000


@dataclass
class DeliveryLanes:
    """Webhooks with attempts that run, and the receivers that were slow or failed last."""

    _busy: set[str] = field(default_factory=set)
    _slow: dict[str, None] = field(default_factory=dict)  # the oldest first

    @property
    def has_room(self) -> bool:
        return len(self._busy) < MAX_WEBHOOKS

    def list_excluded(self) -> Collection[str]:
        """Return the webhooks that no lane is free for."""
        is_full = len(self._busy & self._slow.keys()) >= MAX_SLOW
        return self._busy | self._slow.keys() if is_full else set(self._busy)

    def enter(self, webhook_id: str) -> None:
        self._busy.add(webhook_id)

    def leave(self, webhook_id: str, *, seconds: float, has_failed: bool) -> None:
        """Free the lane, and remember the receiver if it was slow or failed."""
        self._busy.discard(webhook_id)
        self._slow.pop(webhook_id, None)
        if has_failed or seconds > SLOW_AFTER:
            self._slow[webhook_id] = None
        if len(self._slow) > MAX_REMEMBERED:
            del self._slow[next(iter(self._slow))]
