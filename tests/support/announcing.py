"""A service in memory that announces events to webhooks, and parts of it that fail."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapters.memory.registry import MemoryRegistry
from adapters.memory.webhooks import MemoryAnnouncements, MemoryWebhookStore
from adapters.system.leases import InProcessLeases
from domain.database import Database
from domain.deliveries import Delivery
from domain.errors import Unavailable
from domain.webhook_events import Progress
from domain.webhooks import Webhook
from ports.driven.registry import Changes, Query
from ports.use_cases.announce_events import AnnounceEvents
from tests.support.clock import FakeClock
from tests.support.memory_service import HOUR, MemoryService
from tests.support.webhooks import new_webhook


@dataclass
class WatchedRegistry(MemoryRegistry):
    """Counts the records that are read, and cannot read some of them."""

    read: int = 0
    unreadable: frozenset[str] = frozenset()
    periods: list[datetime | None] = field(default_factory=list)
    until: datetime | None = None
    """The end of each period, instead of now."""
    before_changes: Callable[[], Awaitable[object]] | None = None
    """Runs before changes are listed."""

    def __post_init__(self) -> None:
        super().__init__()

    async def search(self, query: Query) -> list[Database]:
        found = await super().search(query)
        if query.ids is not None:
            self.read += len(found)
            if self.unreadable & query.ids:
                raise Unavailable
        return found

    async def get(self, database_id: str) -> Database:
        if database_id in self.unreadable:
            raise Unavailable
        return await super().get(database_id)

    async def list_changes(self, since: datetime | None = None) -> Changes:
        self.periods.append(since)
        if self.before_changes:
            await self.before_changes()
        changes = await super().list_changes(since)
        return replace(changes, until=self.until or changes.until)


class FailingAnnouncements(MemoryAnnouncements):
    """Stores nothing, or stores and loses the answer, by its flags."""

    error_before = False
    error_after = False

    async def store(self, progress: Mapping[str, Progress], deliveries: Sequence[Delivery]) -> None:
        if self.error_before:
            raise Unavailable
        await super().store(progress, deliveries)
        if self.error_after:
            raise Unavailable


@dataclass
class Announcer:
    """A service in memory with webhooks; the body of a message is the type of its event."""

    registry: WatchedRegistry = field(default_factory=WatchedRegistry)
    store: MemoryWebhookStore = field(default_factory=MemoryWebhookStore)
    leases: InProcessLeases = field(default_factory=InProcessLeases)

    def __post_init__(self) -> None:
        self.memory = MemoryService(registry=self.registry, leases=self.leases)
        self.announcements = FailingAnnouncements(self.store, self.registry)
        self.announce = self.create_announce()

    @property
    def clock(self) -> FakeClock:
        return self.memory.clock

    def create_announce(self) -> AnnounceEvents:
        """Return the use case of another process."""
        return AnnounceEvents(
            registry=self.registry,
            webhooks=self.store,
            announcements=self.announcements,
            leases=self.leases,
            clock=self.memory.clock,
            notice=HOUR,
            render=lambda event: event.type.encode(),
        )

    async def add_webhook(self, **more: object) -> Webhook:
        usual = {"caller": "anyone", "created_at": self.clock.now()}
        webhook = new_webhook(**usual | more)
        await self.store.add(webhook, 100)
        return webhook

    async def take(self) -> list[str]:
        """Announce, and return the types of the stored deliveries in order."""
        await self.announce()
        taken = [delivery.body.decode().removeprefix("database.") for delivery in self.store.queue]
        self.store.queue.clear()
        return taken
