"""The changes of records, for all streams of this process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.callers import Caller
from domain.database import Database
from domain.errors import Unavailable

MAX_PENDING = 1000
"""Changed records that wait for a reader. Beyond it the reader is too slow, and its stream ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A new version of a record. All streams get the same object, so that it is rendered once."""

    database: Database


@dataclass(eq=False)
class Subscription:
    """The changes of the databases that one caller may see, for one reader.

    Of each database only the newest change waits: the memory of a slow reader is bounded.
    """

    caller: Caller
    _pending: dict[str, Change] = field(default_factory=dict)
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, change: Change) -> None:
        if self.caller.can_see(change.database.caller) and len(self._pending) <= MAX_PENDING:
            self._pending.pop(change.database.id, None)  # the newest change comes last
            self._pending[change.database.id] = change
            self._arrival.set()

    async def wait(self) -> None:
        """Return when a change waits."""
        await self._arrival.wait()

    def take(self) -> list[Change]:
        """Return the changes that wait, in order. Raises Unavailable if too many did."""
        if len(self._pending) > MAX_PENDING:
            raise Unavailable("The reader of the events is too slow: list the databases again.")
        changes = list(self._pending.values())
        self._pending.clear()
        self._arrival.clear()
        return changes


class RecordFeed:
    """Passes the changes of records to the subscriptions of this process."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def publish(self, database: Database) -> None:
        """Pass a stored record to the subscriptions. Spares and templates have none."""
        if self._subscriptions and not database.is_internal:
            change = Change(database)
            for subscription in self._subscriptions:
                subscription.add(change)

    @contextmanager
    def subscribe(self, caller: Caller) -> Iterator[Subscription]:
        """Yield a subscription that gets the changes until the context exits."""
        subscription = Subscription(caller)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
