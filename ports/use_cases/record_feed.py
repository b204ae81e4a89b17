"""The changes of records, for all streams of this process."""

import asyncio
from collections.abc import Iterator, Mapping
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
    """Passes the changes of records to the subscriptions of this process, each version once.

    A record comes twice: when this process stores it, and when the registry lists it as changed. So
    the feed knows the newest version of the records that changed a moment ago.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._known: dict[str, int] = {}
        self._published: set[str] = set()
        self._is_in_use = asyncio.Event()

    @property
    def is_in_use(self) -> bool:
        return self._is_in_use.is_set()

    async def wait_for_use(self) -> None:
        """Return when there is a subscription."""
        await self._is_in_use.wait()

    def publish(self, database: Database) -> None:
        """Pass a stored record to the subscriptions, unless its version is known. Spares and
        templates are left out."""
        if not self.is_in_use or database.version <= self._known.get(database.id, 0):
            return
        self._known[database.id] = database.version
        self._published.add(database.id)
        if not database.is_internal:
            change = Change(database)
            for subscription in self._subscriptions:
                subscription.add(change)

    def list_unknown(self, versions: Mapping[str, int]) -> list[str]:
        """Return the ids of the records whose version is newer than the known one."""
        known = self._known
        return [each for each, version in versions.items() if version > known.get(each, 0)]

    def mark_known(self, versions: Mapping[str, int]) -> None:
        """Remember these versions, and of the others those that were published since the last call:
        the registry lists all that changed before."""
        kept = self._published | versions.keys()
        known = {each: version for each, version in self._known.items() if each in kept}
        newer = {each: versions[each] for each in self.list_unknown(versions)}
        self._known, self._published = known | newer, set()

    @contextmanager
    def subscribe(self, caller: Caller) -> Iterator[Subscription]:
        """Yield a subscription that gets the changes until the context exits."""
        subscription = Subscription(caller)
        self._subscriptions.add(subscription)
        self._is_in_use.set()
        try:
            yield subscription
        finally:
            self._subscriptions.remove(subscription)
            if not self._subscriptions:
                self._is_in_use.clear()
                self._known.clear()
                self._published.clear()
