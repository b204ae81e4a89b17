"""Announce the events of databases to webhooks: store a delivery of each for its receivers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from domain.database import Database
from domain.deliveries import Delivery
from domain.errors import DatabaseNotFound, Unavailable
from domain.webhook_events import Progress, advance, list_events
from domain.webhooks import MAX_GIVEN_UP, MAX_WAITING, Webhook, WebhookEvent
from ports.driven.announcements import Announcements
from ports.driven.clock import Clock
from ports.driven.leases import Leases
from ports.driven.registry import Changes, Query, Registry
from ports.driven.webhook_store import WebhookStore

LEASE = "announce events"
"""The lease of the replica that announces."""

PAGE = 200

MAX_EXPIRING = 1000
"""The expiring databases that one call announces; the next call announces further ones."""

PERIOD = timedelta(minutes=1)
"""The end of the announced period is stored that often without events: it costs a commit."""

OVERFLOW = "Too many deliveries waited for the receiver."

RenderEvent = Callable[[WebhookEvent], bytes]
"""Returns the body of a message."""


@dataclass(kw_only=True)
class AnnounceEvents:
    """Events follow from the history of the records that changed since the last call: nobody has
    to report them, and none is lost in a crash. Without webhooks, it costs one query.

    `notice` is the time before an expiry from which on a database is expiring.
    """

    registry: Registry
    webhooks: WebhookStore
    announcements: Announcements
    leases: Leases
    clock: Clock
    notice: timedelta
    render: RenderEvent
    _known: Mapping[str, int] = field(default_factory=dict, init=False)
    """The versions of records that were announced a moment ago, which the registry lists again."""
    _end: datetime | None = field(default=None, init=False)
    _stored_end: datetime | None = field(default=None, init=False)

    async def __call__(self) -> int:
        """Announce the new events, unless another replica is doing it. Return how many deliveries
        were stored. After an error, the next call repeats what is missing; an event keeps its id.
        Raises Unavailable."""
        webhooks = await self.webhooks.list_all()
        if not webhooks:
            return 0
        async with self.leases.acquire(LEASE) as is_acquired:
            return await self._announce_all(webhooks) if is_acquired else 0

    async def _announce_all(self, webhooks: Sequence[Webhook]) -> int:
        changes = await self.registry.list_changes(await self._find_start(webhooks))
        now = self.clock.now()
        expiring = await self.announcements.list_expiring(now, now + self.notice, MAX_EXPIRING)
        remaining = iter(dict.fromkeys((*self._list_unknown(changes), *expiring)))
        count = 0
        while page := [*islice(remaining, PAGE)]:
            count += await self._announce(await self._read(page))
        if count:
            await self.announcements.discard(MAX_GIVEN_UP)
        self._known = changes.versions
        await self._store_end(changes.until, is_due=count > 0)
        return count

    async def _find_start(self, webhooks: Sequence[Webhook]) -> datetime:
        """Return the end of the announced period, at the earliest the creation of the oldest
        webhook: nobody wants earlier events."""
        oldest = min(webhook.created_at for webhook in webhooks)
        if self._end is None:
            self._end = self._stored_end = await self.announcements.find_end()
        return max(self._end or oldest, oldest)

    def _list_unknown(self, changes: Changes) -> list[str]:
        known = self._known
        return [each for each, version in changes.versions.items() if version > known.get(each, 0)]

    async def _read(self, ids: Sequence[str]) -> list[Database]:
        """Return the records of these ids, oldest first. Skip those that this pgvend cannot read:
        they are announced when they have changed and can be read. Raises Unavailable if none
        can."""
        try:
            return (await self.registry.search(Query(ids=frozenset(ids), limit=len(ids))))[::-1]
        except Unavailable:
            found = [record for each in ids if (record := await self._try_to_read(each))]
            if not found:
                raise
            return found

    async def _try_to_read(self, database_id: str) -> Database | None:
        try:
            return await self.registry.get(database_id)
        except (Unavailable, DatabaseNotFound):
            return None

    async def _announce(self, records: Sequence[Database]) -> int:
        """Store the deliveries of these records' new events with their progress."""
        known = await self.announcements.find_progress([record.id for record in records])
        now, progress, events = self.clock.now(), dict[str, Progress](), list[WebhookEvent]()
        for record in records:
            former = known.get(record.id, Progress())
            events += list_events(record, former, now, self.notice)
            latest = advance(record, former, now, self.notice)
            if latest != former and not record.is_internal:
                progress[record.id] = latest
        deliveries = await self._create_deliveries(events) if events else []
        if progress:
            await self.announcements.store(progress, deliveries)
        return len(deliveries)

    async def _create_deliveries(self, events: Iterable[WebhookEvent]) -> list[Delivery]:
        """Return the deliveries to the webhooks, which are read after the records: one that was
        created before an event gets it."""
        webhooks = await self.webhooks.list_all()
        wanted = [
            (event, receivers)
            for event in events
            if (receivers := [webhook for webhook in webhooks if webhook.wants(event)])
        ]
        if not wanted:
            return []
        summaries = await self.webhooks.summarize()
        waiting = Counter({each: summary.waiting for each, summary in summaries.items()})
        deliveries = []
        for event, receivers in wanted:
            body = self.render(event)
            for webhook in receivers:
                waiting[webhook.id] += 1
                deliveries.append(self._create_delivery(event, body, webhook, waiting[webhook.id]))
        return deliveries

    def _create_delivery(
        self, event: WebhookEvent, body: bytes, webhook: Webhook, place: int
    ) -> Delivery:
        """Return the delivery, given up at once if its place among the waiting ones is too high."""
        has_room = place <= MAX_WAITING
        return Delivery(
            id=event.id,
            webhook_id=webhook.id,
            database_id=event.database.id,
            url=webhook.url,
            body=body,
            secret=webhook.secret,
            nonce=webhook.nonce,
            due_at=self.clock.now() if has_room else None,
            error="" if has_room else OVERFLOW,
        )

    async def _store_end(self, until: datetime, *, is_due: bool) -> None:
        if is_due or self._stored_end is None or abs(until - self._stored_end) >= PERIOD:
            await self.announcements.store_end(until)
            self._stored_end = until
        self._end = until
