"""Poll the registry for records that other replicas changed, once for all streams."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from ports.driven.registry import Query, Registry
from ports.use_cases.record_feed import RecordFeed

PAGE = 200

LONGEST_PERIOD = timedelta(minutes=1)
"""The period that a poll covers at most while records cannot be read: those that a newer pgvend
wrote never can."""


@dataclass(kw_only=True)
class PollChanges:
    """Passes changed records to the feed: those of other replicas, and those of this process whose
    answer was lost. One poll reads the versions of the records that changed a moment ago, and only
    those records that the feed does not know."""

    registry: Registry
    feed: RecordFeed
    _since: datetime | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def start(self) -> None:
        """Begin the period of the next poll, unless it has begun. Raises Unavailable."""
        async with self._lock:
            if self._since is None:
                changes = await self.registry.list_changes()
                self.feed.mark_known(changes.versions)
                self._since = changes.until

    async def __call__(self) -> bool:
        """Publish the changes since the last poll. Return whether a next one is due: without
        subscriptions it is not. After an error, it covers the same period too. Raises
        Unavailable."""
        async with self._lock:
            if self._since is None or not self.feed.is_in_use:
                self._since = None
                return False
            changes = await self.registry.list_changes(self._since)
            self._since = max(self._since, changes.until - LONGEST_PERIOD)
            await self._publish(self.feed.list_unknown(changes.versions))
            self.feed.mark_known(changes.versions)
            self._since = changes.until
            return True

    async def _publish(self, ids: Sequence[str]) -> None:
        remaining = iter(ids)
        while page := frozenset(islice(remaining, PAGE)):
            for database in await self.registry.search(Query(ids=page, limit=PAGE)):
                self.feed.publish(database)
