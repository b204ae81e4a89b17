"""Watch the records of all databases of a caller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.callers import ANYONE, Caller
from ports.driven.cancellation import wait_for_first
from ports.driven.clock import Clock
from ports.use_cases.poll_changes import PollChanges
from ports.use_cases.record_feed import Change, RecordFeed, Subscription

INTERVAL = 1.0
"""Seconds without a change after which the watcher may look for other reasons to stop."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The changes for one reader, since the watch was opened."""

    subscription: Subscription
    clock: Clock

    async def next_changes(self) -> list[Change]:
        """Return the changes since the last call when there are some, and none after INTERVAL.

        A database that changed repeatedly comes once, with its newest record. Raises Unavailable if
        the reader is too slow."""
        if not (changes := self.subscription.take()):
            await wait_for_first(self.subscription.wait(), self.clock.sleep(INTERVAL))
            changes = self.subscription.take()
        return changes


@dataclass(frozen=True, kw_only=True)
class WatchDatabases:
    feed: RecordFeed
    poll: PollChanges
    clock: Clock

    @asynccontextmanager
    async def __call__(self, caller: Caller = ANYONE) -> AsyncIterator[Watch]:
        """Watch the caller's own databases, or all for an admin, until the context exits. Each
        change after this begins is returned, deletions and failures too. Raises Unavailable."""
        with self.feed.subscribe(caller) as subscription:
            await self.poll.start()
            yield Watch(subscription, self.clock)
