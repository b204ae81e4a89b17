"""Announcing the events of databases to webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from adapters.memory.registry import MemoryRegistry
from adapters.memory.webhooks import MemoryAnnouncements, MemoryWebhookStore
from adapters.system.leases import InProcessLeases
from domain.database import Database
from domain.deliveries import Delivery
from domain.errors import ProviderRejected, Unavailable
from domain.event_types import EventType
from domain.lifecycle import Operation
from domain.sizes import SizeLimit
from domain.webhook_events import Progress
from domain.webhooks import MAX_GIVEN_UP, MAX_WAITING, Webhook, WebhookEvent
from ports.driven.registry import Changes, Query
from ports.use_cases.announce_events import LEASE, OVERFLOW, PAGE, AnnounceEvents
from tests.support.clock import FakeClock
from tests.support.doubles import FailAt
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.records import new_record
from tests.support.webhooks import new_webhook


@dataclass
class WatchedRegistry(MemoryRegistry):
    """Counts the records that are read, and cannot read some of them."""

    read: int = 0
    unreadable: frozenset[str] = frozenset()
    periods: list[datetime | None] = field(default_factory=list)
    until: datetime | None = None
    """The end of each period, instead of now."""

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
        changes = await super().list_changes(since)
        return replace(changes, until=self.until or changes.until)


class CrashingAnnouncements(MemoryAnnouncements):
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
class Service:
    """A service in memory with webhooks; the body of a message is the type of its event."""

    registry: WatchedRegistry = field(default_factory=WatchedRegistry)
    store: MemoryWebhookStore = field(default_factory=MemoryWebhookStore)
    leases: InProcessLeases = field(default_factory=InProcessLeases)

    def __post_init__(self) -> None:
        self.memory = MemoryService(registry=self.registry, leases=self.leases)
        self.announcements = CrashingAnnouncements(self.store, self.registry)
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


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def webhook(service: Service) -> Webhook:
    return await service.add_webhook()


async def test_without_webhooks_records_are_not_read(service: Service) -> None:
    await service.memory.create()

    assert await service.announce() == 0
    assert service.registry.periods == []


async def test_a_creation_is_announced_once(service: Service, webhook: Webhook) -> None:
    database = (await service.memory.create()).database

    assert await service.announce() == 1
    for process in (service.announce, service.create_announce()):
        assert await process() == 0

    (delivery,) = service.store.queue
    assert delivery.webhook_id == webhook.id
    assert (delivery.database_id, delivery.url) == (database.id, webhook.url)
    assert (delivery.body, delivery.attempts) == (b"database.created", 0)
    assert (delivery.secret, delivery.nonce) == (webhook.secret, webhook.nonce)
    assert delivery.due_at == service.clock.now()


@pytest.mark.usefixtures("webhook")
async def test_the_life_of_a_database_is_announced_as_it_happens(service: Service) -> None:
    memory = service.memory
    database = (await memory.create(ttl=HOUR * 3)).database
    assert await service.take() == ["created"]
    service.clock.moment += HOUR * 2
    assert await service.take() == ["expiring"]
    service.clock.moment += HOUR
    await memory.expire(GRACE).finish(database.id)
    assert await service.take() == ["expired"]
    await memory.restore()(database.id, HOUR * 3)
    assert await service.take() == ["restored"]
    await memory.delete(database.id)
    assert await service.take() == ["deleted"]
    assert await service.take() == []


@pytest.mark.usefixtures("webhook")
async def test_events_that_happened_since_the_last_call_are_announced_in_order(
    service: Service,
) -> None:
    database = (await service.memory.create(ttl=HOUR)).database
    service.clock.moment += HOUR
    await service.memory.expire(GRACE).finish(database.id)
    await service.memory.restore()(database.id, HOUR / 2)

    assert await service.take() == ["created", "expired", "restored", "expiring"]


@pytest.mark.usefixtures("webhook")
async def test_a_creation_that_failed_is_announced(service: Service) -> None:
    service.memory.fault_hook = FailAt({"before provision": [ProviderRejected("No.")]})
    with pytest.raises(ProviderRejected):
        await service.memory.create()

    assert await service.take() == ["failed"]


@pytest.mark.usefixtures("webhook")
async def test_a_database_above_its_size_limit_is_announced(service: Service) -> None:
    memory = service.memory
    memory.limit = SizeLimit(1)
    await memory.create()
    assert await service.take() == ["created"]

    await memory.reconcile()()

    assert await service.take() == ["over_size"]


@pytest.mark.usefixtures("webhook")
async def test_spares_are_not_announced_and_a_claim_is_a_creation(service: Service) -> None:
    memory = service.memory
    memory.counts = {"default": 1}
    await memory.maintain_spares()()
    assert await service.take() == []

    await memory.create()

    assert await service.take() == ["created"]


@pytest.mark.usefixtures("webhook")
async def test_older_databases_come_first(service: Service) -> None:
    ids = []
    for name in ("b", "a", "c"):
        ids.append((await service.memory.create(name)).database.id)
        service.clock.passed += 1

    await service.announce()

    assert [delivery.database_id for delivery in service.store.queue] == ids


async def test_each_webhook_gets_the_events_that_it_wants(service: Service) -> None:
    wanted = [
        await service.add_webhook(),
        await service.add_webhook(caller="root", sees_all=True),
        await service.add_webhook(events=frozenset({EventType.CREATED})),
    ]
    await service.add_webhook(caller="bob")
    await service.add_webhook(events=frozenset({EventType.DELETED}))
    await service.memory.create()

    assert await service.announce() == 3
    assert {delivery.webhook_id for delivery in service.store.queue} == {
        webhook.id for webhook in wanted
    }
    assert len({delivery.id for delivery in service.store.queue}) == 1


async def test_events_before_the_first_webhook_are_not_announced(service: Service) -> None:
    database = (await service.memory.create()).database
    service.clock.moment += HOUR
    webhook = await service.add_webhook()
    await service.memory.delete(database.id)

    assert await service.take() == ["deleted"]
    assert service.registry.periods == [webhook.created_at]


@pytest.mark.usefixtures("webhook")
async def test_records_that_did_not_change_are_not_read_again(service: Service) -> None:
    await service.memory.create("a")
    await service.announce()
    before = service.registry.read
    await service.memory.create("b")

    await service.announce()
    await service.announce()

    assert service.registry.read == before + 1


@pytest.mark.usefixtures("webhook")
async def test_the_next_process_continues_where_the_last_one_stopped(service: Service) -> None:
    await service.memory.create()
    await service.announce()
    end = await service.announcements.find_end()

    await service.create_announce()()

    assert end is not None
    assert service.registry.periods[-1] == end


async def test_a_webhook_after_a_time_without_any_starts_at_its_creation(service: Service) -> None:
    await service.announcements.store_end(service.clock.now())
    service.clock.moment += HOUR
    webhook = await service.add_webhook()

    await service.announce()

    assert service.registry.periods == [webhook.created_at]


@pytest.mark.usefixtures("webhook")
async def test_without_events_the_end_of_the_period_is_stored_once_a_minute(
    service: Service,
) -> None:
    start = service.clock.now()
    ends = []
    for seconds in (0, 1, 59, 60, 61):
        service.registry.until = start + timedelta(seconds=seconds)
        await service.announce()
        ends.append(await service.announcements.find_end())

    assert ends == [start] * 3 + [start + timedelta(minutes=1)] * 2


@pytest.mark.usefixtures("webhook")
async def test_all_pages_of_changes_are_announced(service: Service) -> None:
    for number in range(PAGE + 1):
        record = replace(new_record(created_at=service.clock.now()), caller="anyone")
        deleted = record.complete(Operation.DELETE, service.clock.now())
        await service.registry.add(deleted if number else record)

    assert await service.announce() == PAGE


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize("moment", ["error_before", "error_after"])
async def test_an_event_is_announced_once_despite_an_error_of_the_registry(
    service: Service, moment: str
) -> None:
    await service.memory.create()
    setattr(service.announcements, moment, True)
    with pytest.raises(Unavailable):
        await service.announce()
    setattr(service.announcements, moment, False)

    await service.create_announce()()
    await service.announce()

    assert len(service.store.queue) == 1


@pytest.mark.usefixtures("webhook")
async def test_one_replica_announces_at_a_time(service: Service) -> None:
    await service.memory.create()
    async with service.leases.acquire(LEASE):
        assert await service.announce() == 0

    assert await service.announce() == 1


@pytest.mark.usefixtures("webhook")
async def test_a_record_that_cannot_be_read_does_not_hold_up_others(service: Service) -> None:
    unreadable, _ = [(await service.memory.create(name)).database for name in ("a", "b")]
    service.registry.unreadable = frozenset({unreadable.id})
    assert await service.take() == ["created"]

    service.registry.unreadable = frozenset()
    await service.memory.delete(unreadable.id)

    assert await service.take() == ["created", "deleted"]


@pytest.mark.usefixtures("webhook")
async def test_nothing_is_skipped_while_no_record_can_be_read(service: Service) -> None:
    database = (await service.memory.create()).database
    service.registry.unreadable = frozenset({database.id})
    with pytest.raises(Unavailable):
        await service.announce()
    service.registry.unreadable = frozenset()

    assert await service.take() == ["created"]


async def test_deliveries_beyond_the_limit_are_given_up_and_the_newest_of_them_kept(
    service: Service, webhook: Webhook
) -> None:
    count = MAX_WAITING + MAX_GIVEN_UP + 2
    for _ in range(count):
        record = replace(new_record(created_at=service.clock.now()), caller="anyone")
        await service.registry.add(record.complete(Operation.DELETE, service.clock.now()))

    assert await service.announce() == count

    summary = (await service.store.summarize())[webhook.id]
    assert (summary.waiting, summary.given_up) == (MAX_WAITING, MAX_GIVEN_UP)
    assert summary.last_error == OVERFLOW


async def test_a_message_is_rendered_once_and_only_if_a_webhook_wants_it(service: Service) -> None:
    rendered: list[WebhookEvent] = []

    def render(event: WebhookEvent) -> bytes:
        rendered.append(event)
        return b""

    service.announce.render = render
    await service.add_webhook(caller="bob")
    await service.memory.create("a")
    await service.announce()
    assert rendered == []

    for _ in range(2):
        await service.add_webhook()
    await service.memory.create("b")
    await service.announce()
    assert len(rendered) == 1


@pytest.mark.usefixtures("webhook")
async def test_an_expiry_that_was_announced_to_nobody_is_not_searched_again(
    service: Service,
) -> None:
    service.store.webhooks = {
        key: replace(each, caller="bob") for key, each in service.store.webhooks.items()
    }
    await service.memory.create(ttl=HOUR)
    await service.announce()
    now = service.clock.now()

    assert await service.announcements.list_expiring(now, now + HOUR, 10) == []


@pytest.mark.usefixtures("webhook")
async def test_a_warning_of_the_expiry_needs_no_change_of_the_record(service: Service) -> None:
    await service.memory.create(ttl=HOUR * 5)
    await service.take()
    service.clock.moment += HOUR * 4 - timedelta(seconds=1)
    assert await service.take() == []
    service.clock.moment += timedelta(seconds=1)

    assert await service.take() == ["expiring"]
