"""The contract of announcements: their progress, and the deliveries stored with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.registry.stores import Stores
from domain.database import TEMPLATE_SHAPE
from domain.lifecycle import Operation, State
from domain.webhook_events import Progress
from domain.webhooks import Webhook
from tests.support.records import new_record
from tests.support.webhooks import CREATED_AT, claim_all, new_delivery, new_webhook

HOUR = timedelta(hours=1)


@pytest.fixture
async def webhook(stores: Stores) -> Webhook:
    webhook = new_webhook()
    await stores.webhooks.add(webhook, 1)
    return webhook


async def list_expiring(stores: Stores, limit: int = 10) -> Sequence[str]:
    return await stores.announcements.list_expiring(CREATED_AT, CREATED_AT + HOUR, limit)


async def test_progress_is_stored_as_given(stores: Stores) -> None:
    announcements = stores.announcements
    progress = {"db_1": Progress(step=3), "db_2": Progress(step=4, expiry=CREATED_AT)}

    assert await announcements.find_progress(["db_1"]) == {}
    await announcements.store(progress, [])

    assert await announcements.find_progress(["db_1", "db_2", "db_3"]) == progress
    assert await announcements.find_progress(["db_2"]) == {"db_2": progress["db_2"]}
    assert await announcements.find_progress([]) == {}


async def test_progress_never_goes_back(stores: Stores) -> None:
    newest = Progress(step=5, expiry=CREATED_AT + HOUR)
    for each in (Progress(step=4), newest, Progress(step=3, expiry=CREATED_AT)):
        await stores.announcements.store({"db_1": each}, [])

    assert await stores.announcements.find_progress(["db_1"]) == {"db_1": newest}


async def test_a_delivery_is_stored_once(stores: Stores, webhook: Webhook) -> None:
    delivery = new_delivery(webhook)
    for _ in range(2):
        await stores.announcements.store({}, [delivery, delivery])

    assert await claim_all(stores.deliveries) == [delivery]


async def test_nothing_is_delivered_to_a_webhook_that_was_removed(
    stores: Stores, webhook: Webhook
) -> None:
    await stores.webhooks.remove(webhook.id)

    await stores.announcements.store({"db_1": Progress(step=1)}, [new_delivery(webhook)])

    assert await stores.webhooks.summarize() == {}
    assert await stores.announcements.find_progress(["db_1"]) == {"db_1": Progress(step=1)}


async def test_the_end_of_the_period_is_the_last_one(stores: Stores) -> None:
    assert await stores.announcements.find_end() is None

    for end in (CREATED_AT, CREATED_AT + HOUR):
        await stores.announcements.store_end(end)

        assert await stores.announcements.find_end() == end


async def test_the_newest_deliveries_that_were_given_up_are_kept(
    stores: Stores, webhook: Webhook
) -> None:
    outcomes = [(str(number), None) for number in range(4)] + [("waits", CREATED_AT)]
    deliveries = [new_delivery(webhook, error=error, due_at=due) for error, due in outcomes]
    await stores.announcements.store({}, deliveries)

    await stores.announcements.discard(2)

    summary = (await stores.webhooks.summarize())[webhook.id]
    assert (summary.waiting, summary.given_up) == (1, 2)
    await stores.deliveries.remove(deliveries[-1])
    assert (await stores.webhooks.summarize())[webhook.id].last_error == "3"


async def test_databases_that_expire_within_the_period_are_expiring(stores: Stores) -> None:
    expiries = [HOUR * 2, HOUR, HOUR / 2, timedelta(), -HOUR, None]
    records = [
        await stores.registry.add(
            new_record(state=State.READY).with_expiry(
                None if expiry is None else CREATED_AT + expiry
            )
        )
        for expiry in expiries
    ]

    assert await list_expiring(stores) == [records[2].id, records[1].id]
    assert await list_expiring(stores, limit=1) == [records[2].id]


async def test_only_ready_databases_of_callers_are_expiring(stores: Stores) -> None:
    expires_at = CREATED_AT + HOUR / 2
    for state in (State.PROVISIONING, State.EXPIRED, State.DELETING, State.DELETED):
        await stores.registry.add(replace(new_record(state=state), expires_at=expires_at))
    template = new_record(state=State.READY).with_expiry(expires_at)
    await stores.registry.add(replace(template, shape=TEMPLATE_SHAPE))

    assert await list_expiring(stores) == []


async def test_a_database_with_a_pending_operation_expires_at_its_time(stores: Stores) -> None:
    for expiry in (HOUR / 2, HOUR * 2):
        record = new_record(state=State.READY).with_expiry(CREATED_AT + expiry)
        await stores.registry.add(record.start(Operation.ROTATE, CREATED_AT))

    (expiring,) = await list_expiring(stores)
    assert (await stores.registry.get(expiring)).expires_at == CREATED_AT + HOUR / 2


async def test_an_expiry_that_was_announced_is_left_out_until_it_changes(stores: Stores) -> None:
    expires_at = CREATED_AT + HOUR / 2
    record = await stores.registry.add(new_record(state=State.READY).with_expiry(expires_at))
    await stores.announcements.store({record.id: Progress(step=1, expiry=expires_at)}, [])

    assert await list_expiring(stores) == []

    extended = await stores.registry.update(record.with_expiry(expires_at + HOUR / 4))
    assert await list_expiring(stores) == [extended.id]
