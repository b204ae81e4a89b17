"""Creating, listing, testing and deleting webhooks."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.webhook_sender import MemoryWebhookSender
from adapters.memory.webhooks import MemoryWebhookStore
from adapters.system.leases import InProcessLeases
from domain.callers import ANYONE, Caller, Scope
from domain.deliveries import Delivery
from domain.errors import (
    DeliveryFailed,
    Forbidden,
    InFlight,
    InvalidRequest,
    SecretUnknown,
    TooManyWebhooks,
    WebhookNotFound,
)
from domain.event_types import EventType
from domain.passwords import PasswordDeriver
from domain.secrets import Secret
from domain.webhooks import MAX_WEBHOOKS, Webhook, derive_signing_secret
from ports.driven.webhook_sender import WebhookSender
from ports.use_cases.manage_webhooks import ManageWebhooks, WebhookRequest
from ports.use_cases.send_test_message import SendTestMessage
from tests.support.clock import FakeClock
from tests.support.polling import wait_without_delay
from tests.support.provision_requests import deriver
from tests.support.randomness import SeededRandomness
from tests.support.scripted_webhooks import ScriptedSender
from tests.support.webhooks import URL, new_delivery

ANN = Caller(name="ann", scopes=frozenset({Scope.READ, Scope.MANAGE}))
BOB = replace(ANN, name="bob")
ADMIN = Caller(name="root", scopes=frozenset({Scope.ADMIN}))
REQUEST = WebhookRequest(url=URL)


@pytest.fixture
def store() -> MemoryWebhookStore:
    return MemoryWebhookStore()


@pytest.fixture
def sender() -> MemoryWebhookSender:
    return MemoryWebhookSender()


@pytest.fixture
def manage(store: MemoryWebhookStore) -> ManageWebhooks:
    return ManageWebhooks(
        webhooks=store, clock=FakeClock(), randomness=SeededRandomness(), passwords=deriver
    )


def with_sender(
    manage: ManageWebhooks, sender: WebhookSender, passwords: PasswordDeriver = deriver
) -> SendTestMessage:
    return SendTestMessage(
        manage=manage,
        sender=sender,
        leases=InProcessLeases(),
        clock=manage.clock,
        randomness=manage.randomness,
        passwords=passwords,
    )


def derive_secret(webhook: Webhook) -> Secret:
    return derive_signing_secret(deriver, webhook.id, webhook.secret, webhook.nonce)


async def test_a_webhook_is_created_with_a_secret_that_is_stored_nowhere(
    manage: ManageWebhooks, store: MemoryWebhookStore
) -> None:
    status, secret = await manage.create(REQUEST, ANN)

    webhook = status.webhook
    assert (webhook.caller, webhook.url, webhook.sees_all) == ("ann", URL, False)
    assert webhook.events == frozenset(EventType)
    assert webhook.created_at == manage.clock.now()
    assert secret == derive_secret(webhook)
    assert store.webhooks == {webhook.id: webhook}
    assert secret.reveal() not in repr(webhook)


async def test_a_webhook_gets_the_requested_events(manage: ManageWebhooks) -> None:
    events = frozenset({EventType.FAILED})

    status, _ = await manage.create(WebhookRequest(url=URL, events=events), ANN)

    assert status.webhook.events == events


async def test_an_admin_can_get_the_events_of_all_callers(manage: ManageWebhooks) -> None:
    request = WebhookRequest(url=URL, sees_all=True)

    status, _ = await manage.create(request, ADMIN)

    assert status.webhook.sees_all
    with pytest.raises(Forbidden):
        await manage.create(request, ANN)
    assert (await manage.create(request, ANYONE))[0].webhook.sees_all


async def test_a_caller_who_may_not_read_records_gets_none_by_a_webhook(
    manage: ManageWebhooks,
) -> None:
    with pytest.raises(Forbidden, match="read"):
        await manage.create(REQUEST, replace(ANN, scopes=frozenset({Scope.MANAGE})))


async def test_plain_http_needs_an_allowed_network(manage: ManageWebhooks) -> None:
    request = WebhookRequest(url="http://10.0.0.7/hook")

    with pytest.raises(InvalidRequest):
        await manage.create(request, ANN)
    await replace(manage, allows_http=True).create(request, ANN)


async def test_a_caller_has_a_limited_number_of_webhooks(manage: ManageWebhooks) -> None:
    for _ in range(MAX_WEBHOOKS):
        await manage.create(REQUEST, ANN)

    with pytest.raises(TooManyWebhooks):
        await manage.create(REQUEST, ANN)
    await manage.create(REQUEST, BOB)


async def test_webhooks_are_listed_to_their_caller_and_to_admins(manage: ManageWebhooks) -> None:
    of_ann, _ = await manage.create(REQUEST, ANN)
    of_bob, _ = await manage.create(REQUEST, BOB)

    assert await manage.list(ANN) == [of_ann]
    assert {each.webhook.id for each in await manage.list(ADMIN)} == {
        of_ann.webhook.id,
        of_bob.webhook.id,
    }
    assert await manage.show(of_ann.webhook.id, ADMIN) == of_ann


async def test_a_webhook_shows_its_deliveries(
    manage: ManageWebhooks, store: MemoryWebhookStore
) -> None:
    status, _ = await manage.create(REQUEST, ANN)
    webhook = status.webhook
    store.queue += [
        new_delivery(webhook),
        new_delivery(webhook, due_at=None, error="HTTP status 410."),
    ]

    shown = await manage.show(webhook.id, ANN)

    assert [shown] == await manage.list(ANN)
    deliveries = shown.deliveries
    assert (deliveries.waiting, deliveries.given_up) == (1, 1)
    assert deliveries.last_error == "HTTP status 410."


async def test_a_rotation_replaces_the_secret(
    manage: ManageWebhooks, store: MemoryWebhookStore
) -> None:
    created, former = await manage.create(REQUEST, ANN)

    rotated, secret = await manage.rotate(created.webhook.id, ANN)

    assert secret != former
    assert secret == derive_secret(rotated.webhook)
    assert store.webhooks == {rotated.webhook.id: rotated.webhook}


async def test_a_webhook_is_deleted_with_its_deliveries(
    manage: ManageWebhooks, store: MemoryWebhookStore
) -> None:
    status, _ = await manage.create(REQUEST, ANN)
    store.queue.append(new_delivery(status.webhook))

    deleted = await manage.delete(status.webhook.id, ANN)

    assert (deleted.webhook, deleted.deliveries.waiting) == (status.webhook, 1)
    assert (store.webhooks, store.queue) == ({}, [])


async def test_a_test_message_is_signed_and_sent_once(
    manage: ManageWebhooks, sender: MemoryWebhookSender
) -> None:
    status, secret = await manage.create(REQUEST, ANN)
    send = with_sender(manage, sender)

    assert await send(status.webhook.id, lambda webhook, _: webhook.id.encode(), ANN) == status

    ((delivery, signed_with),) = sender.sent
    assert isinstance(delivery, Delivery)
    assert (delivery.url, delivery.body) == (URL, status.webhook.id.encode())
    assert (delivery.webhook_id, delivery.database_id) == (status.webhook.id, "")
    assert signed_with == secret


async def test_a_test_message_that_is_not_accepted_fails(
    manage: ManageWebhooks, sender: MemoryWebhookSender, store: MemoryWebhookStore
) -> None:
    status, _ = await manage.create(REQUEST, ANN)
    sender.failure = DeliveryFailed("HTTP status 500.")

    with pytest.raises(DeliveryFailed):
        await with_sender(manage, sender)(status.webhook.id, lambda *_: b"", ANN)
    assert store.queue == []


async def test_one_test_message_at_a_time_is_sent_to_a_webhook(manage: ManageWebhooks) -> None:
    statuses = [(await manage.create(REQUEST, ANN))[0] for _ in range(2)]
    sender = ScriptedSender(held={statuses[0].webhook.id: asyncio.Event()})
    send = with_sender(manage, sender)
    first = asyncio.create_task(send(statuses[0].webhook.id, lambda *_: b"", ANN))
    await wait_without_delay(lambda: bool(sender.running))

    with pytest.raises(InFlight):
        await send(statuses[0].webhook.id, lambda *_: b"", ANN)
    await send(statuses[1].webhook.id, lambda *_: b"", ANN)

    sender.held[statuses[0].webhook.id].set()
    await first
    await send(statuses[0].webhook.id, lambda *_: b"", ANN)


async def test_nothing_is_sent_without_the_secret_of_the_service(
    manage: ManageWebhooks, sender: MemoryWebhookSender
) -> None:
    status, _ = await manage.create(REQUEST, ANN)
    send = with_sender(manage, sender, PasswordDeriver(Secret("another secret" * 4)))

    with pytest.raises(SecretUnknown):
        await send(status.webhook.id, lambda *_: b"", ANN)
    assert sender.sent == []


@pytest.mark.parametrize("webhook_id", ["of another caller", "wh_unknown"])
async def test_a_webhook_of_others_is_not_found(
    manage: ManageWebhooks,
    sender: MemoryWebhookSender,
    store: MemoryWebhookStore,
    webhook_id: str,
) -> None:
    status, _ = await manage.create(REQUEST, BOB)
    chosen = status.webhook.id if webhook_id == "of another caller" else webhook_id
    calls = [
        manage.show(chosen, ANN),
        manage.rotate(chosen, ANN),
        manage.delete(chosen, ANN),
        with_sender(manage, sender)(chosen, lambda *_: b"", ANN),
    ]

    for call in calls:
        with pytest.raises(WebhookNotFound):
            await call
    assert store.webhooks == {status.webhook.id: status.webhook}
    assert sender.sent == []
