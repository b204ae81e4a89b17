"""`/v1/webhooks`: webhooks are created, listed, tested and deleted."""

import json
from typing import Any

import pytest

from domain.errors import DeliveryFailed
from tests.support.announced_messages import announce
from tests.support.apps import check_problem
from tests.support.keyed_clients import KeyedApp, KeyedClient

WEBHOOKS = "/v1/webhooks"
URL = "https://hooks.example/pgvend"


async def create_webhook(client: KeyedClient, **body: Any) -> Any:
    answer = await client.ask("POST", WEBHOOKS, {"url": URL} | body)
    assert answer.status == 201, answer.body
    return answer.body


async def test_a_secret_is_shown_once_and_stored_nowhere(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")

    created = await ann.ask("POST", WEBHOOKS, {"url": URL})

    assert created.status == 201
    assert created.headers["Cache-Control"] == "no-store"
    secret, path = created.body.pop("secret"), created.headers["Location"]
    assert (await ann.ask("GET", path)).body == created.body
    assert (await ann.ask("GET", WEBHOOKS)).body == {"webhooks": [created.body]}
    stored = await guarded.app.records.webhooks.list_all()
    for place in (repr(stored), repr(await guarded.list_audit_events())):
        assert secret.removeprefix("whsec_") not in place
    (event,) = await guarded.list_audit_events(f"&subject={created.body['id']}")
    assert (event["caller"], event["action"], event["outcome"]) == ("ann", "createWebhook", "done")


async def test_a_webhook_has_the_requested_properties(guarded: KeyedApp) -> None:
    events = ["database.failed", "database.created"]

    webhook = await create_webhook(guarded.admin, events=events, all_callers=True)

    assert (webhook["url"], webhook["events"]) == (URL, sorted(events))
    assert (webhook["caller"], webhook["all_callers"]) == ("admin", True)
    assert webhook["created_at"] == "2026-01-02T03:04:05Z"
    assert (webhook["waiting"], webhook["given_up"], webhook["last_error"]) == (0, 0, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "http://hooks.example/"},
        {"url": "https://user:password@hooks.example/"},
        {"url": URL, "events": []},
        {"url": URL, "events": ["database.renamed"]},
        {"url": URL, "other": 1},
    ],
)
async def test_an_invalid_webhook_is_refused(guarded: KeyedApp, body: Any) -> None:
    answer = await guarded.admin.ask("POST", WEBHOOKS, body)

    check_problem(answer, 422, "invalid_request")
    assert (await guarded.admin.ask("GET", WEBHOOKS)).body == {"webhooks": []}


async def test_the_eleventh_webhook_of_a_caller_is_refused(guarded: KeyedApp) -> None:
    for _ in range(10):
        await create_webhook(guarded.admin)

    check_problem(await guarded.admin.ask("POST", WEBHOOKS, {"url": URL}), 409, "too_many_webhooks")


async def test_callers_see_and_change_their_own_webhooks_alone(guarded: KeyedApp) -> None:
    ann, bob = [await guarded.create_client(name) for name in ("ann", "bob")]
    webhook = await create_webhook(ann)
    path = f"{WEBHOOKS}/{webhook['id']}"

    assert (await bob.ask("GET", WEBHOOKS)).body == {"webhooks": []}
    calls = [("GET", path), ("POST", f"{path}/rotate"), ("POST", f"{path}/test"), ("DELETE", path)]
    for method, address in calls:
        check_problem(await bob.ask(method, address), 404, "webhook_not_found")
    forbidden = await bob.ask("POST", WEBHOOKS, {"url": URL, "all_callers": True})
    check_problem(forbidden, 403, "forbidden")
    for method, address in calls:
        assert (await guarded.admin.ask(method, address)).status == 200


async def test_a_message_has_the_record_of_the_api_without_secrets(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")
    await create_webhook(ann)
    created = await ann.create_database("Sales")

    (message,) = await announce(guarded.app)

    record = (await ann.ask("GET", f"/v1/databases/{created['id']}")).body
    assert message == {
        "type": "database.created",
        "timestamp": "2026-01-02T03:04:05Z",
        "data": record,
    }
    assert created["connection"]["password"] not in json.dumps(message)


async def test_callers_get_the_events_of_their_own_databases_alone(guarded: KeyedApp) -> None:
    ann, bob = [await guarded.create_client(name) for name in ("ann", "bob")]
    await create_webhook(bob)
    await create_webhook(guarded.admin)
    await ann.create_database()
    assert await announce(guarded.app) == []

    await create_webhook(guarded.admin, all_callers=True)
    await ann.create_database()
    assert [message["data"]["caller"] for message in await announce(guarded.app)] == ["ann"]


async def test_another_secret_is_shown_once_and_signs_from_then_on(guarded: KeyedApp) -> None:
    webhook = await create_webhook(guarded.admin)
    path = f"{WEBHOOKS}/{webhook['id']}"

    rotated = (await guarded.admin.ask("POST", f"{path}/rotate")).body
    await guarded.admin.ask("POST", f"{path}/test")

    assert rotated == webhook | {"secret": rotated["secret"]}
    assert rotated["secret"] != webhook["secret"]
    ((_, secret),) = guarded.app.sender.sent
    assert secret.reveal() == rotated["secret"]


async def test_a_test_message_is_sent_at_once(guarded: KeyedApp) -> None:
    webhook = await create_webhook(guarded.admin)

    tested = await guarded.admin.ask("POST", f"{WEBHOOKS}/{webhook['id']}/test")

    assert tested.status == 200
    ((delivery, _),) = guarded.app.sender.sent
    assert (delivery.url, json.loads(delivery.body)) == (
        URL,
        {
            "type": "webhook.test",
            "timestamp": "2026-01-02T03:04:05Z",
            "data": {"webhook_id": webhook["id"]},
        },
    )


async def test_a_test_message_that_is_not_accepted_is_a_problem(guarded: KeyedApp) -> None:
    webhook = await create_webhook(guarded.admin)
    guarded.app.sender.failure = DeliveryFailed("The receiver answered with status 500.")

    answer = await guarded.admin.ask("POST", f"{WEBHOOKS}/{webhook['id']}/test")

    problem = check_problem(answer, 502, "delivery_failed")
    assert problem["detail"] == "The receiver answered with status 500."
    assert problem["retryable"] is True


async def test_nothing_is_announced_to_a_webhook_that_was_deleted(guarded: KeyedApp) -> None:
    webhook = await create_webhook(guarded.admin)
    await guarded.admin.create_database()

    deleted = await guarded.admin.ask("DELETE", f"{WEBHOOKS}/{webhook['id']}")

    assert (deleted.status, deleted.body["id"]) == (200, webhook["id"])
    assert await announce(guarded.app) == []
    again = await guarded.admin.ask("DELETE", f"{WEBHOOKS}/{webhook['id']}")
    check_problem(again, 404, "webhook_not_found")
