"""Events reach the receivers of webhooks over real sockets, through outages and crashes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from domain.deliveries import PAUSES
from entrypoints.http.api.schemas.webhooks import render_event
from ports.use_cases.send_deliveries import REPEAT_AFTER
from tests.support.apps import RunningApp, running_app
from tests.support.polling import wait_until
from tests.support.receivers import (
    ACCEPTED,
    Message,
    Receiver,
    format_response,
    running_receiver,
)
from tests.support.standing_clock import StandingClock

LOOPBACK = {"webhook_allow_networks": "127.0.0.0/8"}

UNAVAILABLE = format_response(503)


@asynccontextmanager
async def running_at_present(**settings: Any) -> AsyncIterator[RunningApp]:
    """Run a service whose clock stands at the present, which the official library compares with
    the time of a message. Only the test moves it."""
    clock = StandingClock()
    clock.moment = datetime.now(UTC)
    async with running_app(clock=clock, sends=True, **LOOPBACK | settings) as app:
        yield app


async def subscribe(app: RunningApp, receiver: Receiver) -> Webhook:
    """Create a webhook, and return the official library's verifier of its messages."""
    answer = await app.ask("POST", "/v1/webhooks", {"url": receiver.url})
    assert answer.status == 201, answer.body
    return Webhook(answer.body["secret"])


async def announce(app: RunningApp) -> None:
    await app.use_cases.webhooks.announce(render_event)()


async def send_due(app: RunningApp) -> None:
    send = app.use_cases.webhooks.send
    while batch := await send.claim():
        await send.send(batch)


async def list_webhook(app: RunningApp) -> Mapping[str, Any]:
    [webhook] = (await app.get("/v1/webhooks"))["webhooks"]
    return dict(webhook)


def verify(verifier: Webhook, message: Message) -> Any:
    return verifier.verify(message.body, dict(message.headers))


async def test_the_loops_of_the_service_deliver_events_that_the_official_library_verifies() -> None:
    async with running_receiver() as receiver, running_at_present() as app:
        verifier = await subscribe(app, receiver)
        created = await app.create_database("Web Shop")
        async with app.replica(sends=True, **LOOPBACK, webhook_interval=1):
            await wait_until(lambda: receiver.messages)

    [message] = receiver.messages
    content = verify(verifier, message)
    assert content["type"] == "database.created"
    assert content["data"]["id"] == created["id"]
    assert "connection" not in content["data"]
    assert created["connection"]["password"].encode() not in message.body


async def test_events_are_delivered_in_order() -> None:
    async with running_receiver() as receiver, running_at_present() as app:
        verifier = await subscribe(app, receiver)
        created = await app.create_database()
        await app.ask("DELETE", f"/v1/databases/{created['id']}")
        await app.wait_for_state(created["id"], "deleted")
        await announce(app)
        await send_due(app)

    types = [verify(verifier, message)["type"] for message in receiver.messages]
    assert types == ["database.created", "database.deleted"]


async def test_a_message_is_repeated_through_an_outage_of_its_receiver() -> None:
    responses = (UNAVAILABLE, b"", UNAVAILABLE, ACCEPTED)
    async with running_receiver(*responses) as receiver, running_at_present() as app:
        verifier = await subscribe(app, receiver)
        await app.create_database()
        await announce(app)
        await send_due(app)
        state = await list_webhook(app)
        assert (state["waiting"], state["given_up"]) == (1, 0)
        assert state["last_error"] == "The receiver answered with HTTP status 503."

        for pause in PAUSES[:3]:
            app.clock.passed += pause.total_seconds()
            await announce(app)
            await send_due(app)
        assert (await list_webhook(app))["waiting"] == 0

    assert len({message.id for message in receiver.messages}) == 1
    assert len(receiver.messages) == len(responses)
    for message in receiver.messages:
        verify(verifier, message)


async def test_a_message_whose_receipt_was_not_recorded_comes_again_with_the_same_id() -> None:
    """The service stops between the receipt and its record."""
    async with running_receiver(None, ACCEPTED) as receiver, running_at_present() as app:
        await subscribe(app, receiver)
        async with app.replica(sends=True, **LOOPBACK, webhook_interval=1) as stopping:
            await stopping.create_database()
            await announce(stopping)
            stopping.use_cases.webhooks.send.wake()
            await wait_until(lambda: receiver.messages)

        await announce(app)
        await send_due(app)
        assert len(receiver.messages) == 1
        app.clock.passed += REPEAT_AFTER.total_seconds()
        await send_due(app)

    first, second = receiver.messages
    assert first.id == second.id
    assert first.body == second.body


async def test_a_deleted_webhook_gets_no_further_attempt() -> None:
    async with running_receiver(UNAVAILABLE) as receiver, running_at_present() as app:
        await subscribe(app, receiver)
        await app.create_database()
        await announce(app)
        await send_due(app)
        await app.ask("DELETE", f"/v1/webhooks/{(await list_webhook(app))['id']}")
        app.clock.passed += timedelta(days=1).total_seconds()
        await send_due(app)

    assert len(receiver.messages) == 1


async def test_a_private_receiver_gets_nothing_unless_its_network_is_allowed() -> None:
    async with (
        running_receiver() as receiver,
        running_at_present() as app,
        app.replica(sends=True) as strict,
    ):
        await subscribe(app, receiver)
        await strict.create_database()
        await announce(strict)
        await send_due(strict)
        assert "https" in (await list_webhook(strict))["last_error"]

    assert receiver.messages == []
