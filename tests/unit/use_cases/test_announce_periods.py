"""Announcing events: the periods of changes, errors of the registry, and limits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Unavailable
from domain.lifecycle import Operation
from domain.webhooks import MAX_GIVEN_UP, MAX_WAITING, Webhook, WebhookEvent
from ports.use_cases.announce_events import LEASE, OVERFLOW, PAGE
from tests.support.announcing import Announcer
from tests.support.memory_service import HOUR
from tests.support.records import new_record


async def test_events_before_the_first_webhook_are_not_announced(
    service: Announcer,
) -> None:
    database = (await service.memory.create()).database
    service.clock.moment += HOUR
    webhook = await service.add_webhook()
    await service.memory.delete(database.id)

    assert await service.take() == ["deleted"]
    assert service.registry.periods == [webhook.created_at]


@pytest.mark.usefixtures("webhook")
async def test_records_that_did_not_change_are_not_read_again(service: Announcer) -> None:
    await service.memory.create("a")
    await service.announce()
    before = service.registry.read
    await service.memory.create("b")

    await service.announce()
    await service.announce()

    assert service.registry.read == before + 1


@pytest.mark.usefixtures("webhook")
async def test_the_next_process_continues_where_the_last_one_stopped(
    service: Announcer,
) -> None:
    await service.memory.create()
    await service.announce()
    end = await service.announcements.find_end()

    await service.create_announce()()

    assert end is not None
    assert service.registry.periods[-1] == end


async def test_a_webhook_after_a_time_without_any_starts_at_its_creation(
    service: Announcer,
) -> None:
    await service.announcements.store_end(service.clock.now())
    service.clock.moment += HOUR
    webhook = await service.add_webhook()

    await service.announce()

    assert service.registry.periods == [webhook.created_at]


async def test_a_webhook_that_is_created_during_a_call_gets_the_events_after_its_creation(
    service: Announcer, webhook: Webhook
) -> None:
    async def create_both() -> None:
        await service.add_webhook(id="wh_2")
        await service.memory.create()

    service.registry.before_changes = create_both
    await service.announce()

    assert {each.webhook_id for each in service.store.queue} == {webhook.id, "wh_2"}


@pytest.mark.usefixtures("webhook")
async def test_without_events_the_end_of_the_period_is_stored_once_a_minute(
    service: Announcer,
) -> None:
    start = service.clock.now()
    ends = []
    for seconds in (0, 1, 59, 60, 61):
        service.registry.until = start + timedelta(seconds=seconds)
        await service.announce()
        ends.append(await service.announcements.find_end())

    assert ends == [start] * 3 + [start + timedelta(minutes=1)] * 2


@pytest.mark.usefixtures("webhook")
async def test_the_end_of_the_period_goes_back_with_the_clock(service: Announcer) -> None:
    """Else a later process would look for changes after a time that is yet to come."""
    start = service.clock.now()
    for end in (start, start - HOUR):
        service.registry.until = end
        await service.announce()

    assert await service.announcements.find_end() == start - HOUR


@pytest.mark.usefixtures("webhook")
async def test_all_pages_of_changes_are_announced(service: Announcer) -> None:
    for number in range(PAGE + 1):
        record = replace(new_record(created_at=service.clock.now()), caller="anyone")
        deleted = record.complete(Operation.DELETE, service.clock.now())
        await service.registry.add(deleted if number else record)

    assert await service.announce() == PAGE


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize("moment", ["error_before", "error_after"])
async def test_an_event_is_announced_once_despite_an_error_of_the_registry(
    service: Announcer, moment: str
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
async def test_one_replica_announces_at_a_time(service: Announcer) -> None:
    await service.memory.create()
    async with service.leases.acquire(LEASE):
        assert await service.announce() == 0

    assert await service.announce() == 1


@pytest.mark.usefixtures("webhook")
async def test_a_record_that_cannot_be_read_does_not_hold_up_others(
    service: Announcer,
) -> None:
    unreadable, _ = [(await service.memory.create(name)).database for name in ("a", "b")]
    service.registry.unreadable = frozenset({unreadable.id})
    assert await service.take() == ["created"]

    service.registry.unreadable = frozenset()
    await service.memory.delete(unreadable.id)

    assert await service.take() == ["created", "deleted"]


@pytest.mark.usefixtures("webhook")
async def test_nothing_is_skipped_while_no_record_can_be_read(service: Announcer) -> None:
    database = (await service.memory.create()).database
    service.registry.unreadable = frozenset({database.id})
    with pytest.raises(Unavailable):
        await service.announce()
    service.registry.unreadable = frozenset()

    assert await service.take() == ["created"]


async def test_deliveries_beyond_the_limit_are_given_up_and_the_newest_of_them_kept(
    service: Announcer, webhook: Webhook
) -> None:
    count = MAX_WAITING + MAX_GIVEN_UP + 2
    for _ in range(count):
        record = replace(new_record(created_at=service.clock.now()), caller="anyone")
        await service.registry.add(record.complete(Operation.DELETE, service.clock.now()))

    assert await service.announce() == count

    summary = (await service.store.summarize())[webhook.id]
    assert (summary.waiting, summary.given_up) == (MAX_WAITING, MAX_GIVEN_UP)
    assert summary.last_error == OVERFLOW


async def test_a_message_is_rendered_once_and_only_if_a_webhook_wants_it(
    service: Announcer,
) -> None:
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
    service: Announcer,
) -> None:
    service.store.webhooks = {
        key: replace(each, caller="bob") for key, each in service.store.webhooks.items()
    }
    await service.memory.create(ttl=HOUR)
    await service.announce()
    now = service.clock.now()

    assert await service.announcements.list_expiring(now, now + HOUR, 10) == []


@pytest.mark.usefixtures("webhook")
async def test_a_warning_of_the_expiry_needs_no_change_of_the_record(
    service: Announcer,
) -> None:
    await service.memory.create(ttl=HOUR * 5)
    await service.take()
    service.clock.moment += HOUR * 4 - timedelta(seconds=1)
    assert await service.take() == []
    service.clock.moment += timedelta(seconds=1)

    assert await service.take() == ["expiring"]
