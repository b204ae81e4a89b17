"""The contract of the webhook store."""

import asyncio
from datetime import timedelta

import pytest

from adapters.registry.stores import Stores
from domain.errors import TooManyWebhooks
from domain.event_types import EventType
from domain.webhooks import DeliverySummary
from ports.driven.webhook_store import WebhookStore
from tests.support.webhooks import CREATED_AT, claim_all, new_delivery, new_webhook

STRANGE = ["'", "\0", "\ud800", "x" * 10_000]


@pytest.fixture
def store(stores: Stores) -> WebhookStore:
    return stores.webhooks


async def test_a_webhook_is_stored_as_given(store: WebhookStore) -> None:
    webhook = new_webhook(events=frozenset({EventType.CREATED, EventType.FAILED}), sees_all=True)

    assert await store.list_all() == []

    await store.add(webhook, 1)

    assert await store.find(webhook.id) == webhook
    assert await store.list_all() == [webhook]


async def test_an_unknown_id_is_not_found(store: WebhookStore) -> None:
    await store.add(new_webhook(), 1)

    for webhook_id in STRANGE:
        assert await store.find(webhook_id) is None
        await store.remove(webhook_id)

    assert len(await store.list_all()) == 1


async def test_webhooks_of_a_caller_are_listed_newest_first(store: WebhookStore) -> None:
    old, new = (new_webhook(created_at=CREATED_AT + timedelta(seconds=s)) for s in range(2))
    other = new_webhook(caller="bob", created_at=CREATED_AT + timedelta(hours=1))
    for webhook in (new, old, other):
        await store.add(webhook, 2)

    assert await store.list_all("ann") == [new, old]
    assert await store.list_all() == [other, new, old]


async def test_of_concurrent_webhooks_a_caller_gets_as_many_as_allowed(store: WebhookStore) -> None:
    adding = [store.add(new_webhook(), 2) for _ in range(5)]

    outcomes = await asyncio.gather(*adding, return_exceptions=True)

    assert sum(isinstance(outcome, TooManyWebhooks) for outcome in outcomes) == 3
    assert len(await store.list_all("ann")) == 2
    await store.add(new_webhook(caller="bob"), 1)


async def test_another_secret_replaces_the_former_one_and_nothing_else(store: WebhookStore) -> None:
    webhook, other = new_webhook(), new_webhook()
    for each in (webhook, other):
        await store.add(each, 2)
    changed = new_webhook(id=webhook.id, secret="ffffffffffff", nonce="cd" * 16)

    await store.update_secret(changed)
    await store.update_secret(new_webhook(caller="removed"))

    assert await store.find(webhook.id) == changed
    assert await store.find(other.id) == other
    assert len(await store.list_all()) == 2


async def test_a_webhook_is_removed_with_its_deliveries(stores: Stores) -> None:
    webhook, other = new_webhook(), new_webhook()
    for each in (webhook, other):
        await stores.webhooks.add(each, 2)
    kept = new_delivery(other)
    await stores.announcements.store({}, [new_delivery(webhook), kept])

    for _ in range(2):
        await stores.webhooks.remove(webhook.id)

    assert await stores.webhooks.list_all() == [other]
    assert await claim_all(stores.deliveries) == [kept]
    assert list(await stores.webhooks.summarize()) == [other.id]


async def test_a_summary_counts_deliveries_and_has_the_newest_error(stores: Stores) -> None:
    webhook, idle = new_webhook(), new_webhook()
    for each in (webhook, idle):
        await stores.webhooks.add(each, 2)
    outcomes = [("first", None), ("second", None), ("third", CREATED_AT), ("", CREATED_AT)]
    deliveries = [new_delivery(webhook, error=error, due_at=due) for error, due in outcomes]
    await stores.announcements.store({}, deliveries)

    assert await stores.webhooks.summarize() == {
        webhook.id: DeliverySummary(waiting=2, given_up=2, last_error="third")
    }
