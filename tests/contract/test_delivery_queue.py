"""The contract of the queue of deliveries."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.registry.stores import Stores
from domain.deliveries import Delivery
from domain.webhooks import Webhook
from tests.support.webhooks import CREATED_AT, claim_all, new_delivery, new_webhook

LATER = CREATED_AT + timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def webhooks(stores: Stores) -> Sequence[Webhook]:
    webhooks = [new_webhook(caller=f"caller-{number}") for number in range(3)]
    for webhook in webhooks:
        await stores.webhooks.add(webhook, 1)
    return webhooks


@pytest.fixture
def webhook(webhooks: Sequence[Webhook]) -> Webhook:
    return webhooks[0]


async def store(stores: Stores, *deliveries: Delivery) -> None:
    await stores.announcements.store({}, deliveries)


async def test_a_delivery_is_stored_as_given(stores: Stores, webhook: Webhook) -> None:
    delivery = new_delivery(webhook, attempts=3, error="HTTP status 503.")
    await store(stores, delivery)

    assert await claim_all(stores.deliveries) == [delivery]


async def test_a_delivery_has_the_present_secret_of_its_webhook(
    stores: Stores, webhook: Webhook
) -> None:
    await store(stores, new_delivery(webhook))
    await stores.webhooks.update_secret(replace(webhook, secret="", nonce="cd"))

    (delivery,) = await claim_all(stores.deliveries)

    assert (delivery.secret, delivery.nonce) == ("", "cd")


async def test_a_claimed_delivery_is_due_when_its_claim_ends(
    stores: Stores, webhook: Webhook
) -> None:
    await store(stores, new_delivery(webhook))

    (claimed,) = await stores.deliveries.claim(CREATED_AT, LATER, webhooks=1, per_webhook=1)

    assert claimed.due_at == LATER
    assert await claim_all(stores.deliveries, LATER - SECOND) == []
    assert await claim_all(stores.deliveries, LATER) == [claimed]


async def test_of_concurrent_claims_one_gets_the_delivery(stores: Stores, webhook: Webhook) -> None:
    await store(stores, *(new_delivery(webhook) for _ in range(5)))

    claims = await asyncio.gather(
        *(stores.deliveries.claim(CREATED_AT, LATER, webhooks=1, per_webhook=3) for _ in range(5))
    )

    claimed = [delivery.id for claim in claims for delivery in claim]
    assert len(claimed) == len(set(claimed)) >= 3


async def test_a_webhook_with_many_deliveries_does_not_crowd_out_others(
    stores: Stores, webhooks: Sequence[Webhook]
) -> None:
    first, second, third = webhooks
    busy = [new_delivery(first, due_at=CREATED_AT - SECOND) for _ in range(4)]
    other, excluded = new_delivery(second), new_delivery(third)
    await store(stores, *busy, excluded, other)

    claimed = await stores.deliveries.claim(
        CREATED_AT, LATER, webhooks=2, per_webhook=3, without=[third.id]
    )

    assert [each.id for each in claimed] == [each.id for each in (*busy[:3], other)]


async def test_the_webhooks_that_are_due_longest_come_first(
    stores: Stores, webhooks: Sequence[Webhook]
) -> None:
    deliveries = [
        new_delivery(webhook, due_at=CREATED_AT - SECOND * number)
        for number, webhook in enumerate(webhooks)
    ]
    await store(stores, *deliveries)

    claimed = await stores.deliveries.claim(CREATED_AT, LATER, webhooks=2, per_webhook=1)

    assert [each.id for each in claimed] == [deliveries[2].id, deliveries[1].id]


async def test_deliveries_are_claimed_in_the_order_in_which_they_are_due_and_were_stored(
    stores: Stores, webhook: Webhook
) -> None:
    one, two = new_delivery(webhook, id="evt_2"), new_delivery(webhook, id="evt_1")
    early = new_delivery(webhook, due_at=CREATED_AT - SECOND)
    await store(stores, one, two, early)

    assert await claim_all(stores.deliveries) == [
        replace(each, due_at=CREATED_AT) for each in (early, one, two)
    ]


async def test_a_delivery_that_was_accepted_is_removed(
    stores: Stores, webhooks: Sequence[Webhook]
) -> None:
    """The message has the same id for all webhooks."""
    first, second = (new_delivery(webhook, id="evt_1") for webhook in webhooks[:2])
    await store(stores, first, second)

    for _ in range(2):
        await stores.deliveries.remove(first)

    assert await claim_all(stores.deliveries) == [second]


async def test_a_failed_attempt_is_stored(stores: Stores, webhook: Webhook) -> None:
    delivery, other = new_delivery(webhook), new_delivery(webhook)
    await store(stores, delivery, other)
    failed = replace(delivery, attempts=1, due_at=LATER, error="HTTP status 503.")

    await stores.deliveries.update(failed)
    await stores.deliveries.update(new_delivery(webhook))  # removed meanwhile

    assert await claim_all(stores.deliveries) == [other]
    await stores.deliveries.remove(other)
    assert await claim_all(stores.deliveries, LATER) == [failed]


async def test_a_delivery_that_was_given_up_is_never_due(stores: Stores, webhook: Webhook) -> None:
    delivery = new_delivery(webhook)
    await store(stores, delivery)

    await stores.deliveries.update(replace(delivery, due_at=None, error="HTTP status 410."))

    assert await claim_all(stores.deliveries, LATER) == []
    assert (await stores.webhooks.summarize())[webhook.id].given_up == 1
