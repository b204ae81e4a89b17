"""Announcing the events of databases to webhooks."""

import pytest

from domain.errors import ProviderRejected
from domain.event_types import EventType
from domain.sizes import SizeLimit
from domain.webhooks import Webhook
from tests.support.announcing import Announcer
from tests.support.doubles import FailAt
from tests.support.memory_service import GRACE, HOUR


async def test_without_webhooks_records_are_not_read(service: Announcer) -> None:
    await service.memory.create()

    assert await service.announce() == 0
    assert service.registry.periods == []


async def test_a_creation_is_announced_once(service: Announcer, webhook: Webhook) -> None:
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
async def test_the_life_of_a_database_is_announced_as_it_happens(
    service: Announcer,
) -> None:
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
    service: Announcer,
) -> None:
    database = (await service.memory.create(ttl=HOUR)).database
    service.clock.moment += HOUR
    await service.memory.expire(GRACE).finish(database.id)
    await service.memory.restore()(database.id, HOUR / 2)

    assert await service.take() == ["created", "expired", "restored", "expiring"]


@pytest.mark.usefixtures("webhook")
async def test_a_creation_that_failed_is_announced(service: Announcer) -> None:
    service.memory.fault_hook = FailAt({"before provision": [ProviderRejected("No.")]})
    with pytest.raises(ProviderRejected):
        await service.memory.create()

    assert await service.take() == ["failed"]


@pytest.mark.usefixtures("webhook")
async def test_a_database_above_its_size_limit_is_announced(service: Announcer) -> None:
    memory = service.memory
    memory.limit = SizeLimit(1)
    await memory.create()
    assert await service.take() == ["created"]

    await memory.reconcile()()

    assert await service.take() == ["over_size"]


@pytest.mark.usefixtures("webhook")
async def test_spares_are_not_announced_and_a_claim_is_a_creation(
    service: Announcer,
) -> None:
    memory = service.memory
    memory.counts = {"default": 1}
    await memory.maintain_spares()()
    assert await service.take() == []

    await memory.create()

    assert await service.take() == ["created"]


@pytest.mark.usefixtures("webhook")
async def test_older_databases_come_first(service: Announcer) -> None:
    ids = []
    for name in ("b", "a", "c"):
        ids.append((await service.memory.create(name)).database.id)
        service.clock.passed += 1

    await service.announce()

    assert [delivery.database_id for delivery in service.store.queue] == ids


async def test_each_webhook_gets_the_events_that_it_wants(service: Announcer) -> None:
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
