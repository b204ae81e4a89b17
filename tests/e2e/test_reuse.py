"""`on_conflict: reuse` over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.support.apps import RunningApp, check_problem
from tests.support.keyed_clients import KeyedApp
from tests.support.service import RunningService
from tests.support.service_client import send_request

PATH = "/v1/databases"
ASYNC = {"Prefer": "respond-async"}


def body(**changes: Any) -> dict[str, Any]:
    return {"nickname": "pr 7", "ttl": "1h", "on_conflict": "reuse"} | changes


async def test_a_repeated_request_is_answered_200_with_the_same_connection(app: RunningApp) -> None:
    first = await app.ask("POST", PATH, body())
    second = await app.ask("POST", PATH, body(labels={"run": "2"}), {"Idempotency-Key": "k"})

    assert (first.status, second.status) == (201, 200)
    assert second.body["connection"] == first.body["connection"]
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["ETag"] != first.headers["ETag"]
    assert second.body["labels"] == {"run": "2"}
    assert app.accepts(second.body["connection"])
    assert [each["id"] for each in await app.list_live()] == [first.body["id"]]


async def test_an_asynchronous_request_is_answered_202_whether_the_database_exists_or_not(
    app: RunningApp,
) -> None:
    first = await app.ask("POST", PATH, body(), ASYNC)
    await app.wait_for_state(first.body["id"], "ready")
    second = await app.ask("POST", PATH, body(), ASYNC)

    assert (first.status, first.body["state"]) == (202, "provisioning")
    assert (second.status, second.body["state"]) == (202, "ready")
    assert second.body["id"] == first.body["id"]
    assert "connection" not in second.body


async def test_another_source_is_a_conflict(app: RunningApp) -> None:
    await app.create_database("shop")
    await app.ask("POST", PATH, body())
    answer = await app.ask("POST", PATH, body(**{"from": "shop"}))
    check_problem(answer, 409, "other_source")


async def test_a_reuse_is_in_the_audit_log_with_the_id(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann")
    answers = [await ann.ask("POST", PATH, body()) for _ in range(2)]
    refused = await guarded.create_client("bob", scopes=["create"])
    check_problem(await refused.ask("POST", PATH, body()), 403, "forbidden")

    (database_id,) = {answer.body["id"] for answer in answers}
    events = await guarded.list_audit_events(f"&subject={database_id}")
    assert [(event["action"], event["outcome"]) for event in events] == [
        ("createDatabase", "done"),
        ("createDatabase", "done"),
    ]


@pytest.mark.parametrize("extensions", [[], ["citext"]])
async def test_requests_at_the_same_time_get_one_real_database(
    service: RunningService, extensions: list[str]
) -> None:
    """Over SQLite and the bundled server; with an extension no spare is claimed."""
    request = body(nickname=f"at once {extensions}", extensions=extensions)

    async def ask() -> tuple[int, Any]:
        while True:
            status, answer = await send_request(service, "POST", PATH, request)
            if status != 409 or answer["code"] != "in_flight":
                return status, answer

    answers = await asyncio.gather(*(ask() for _ in range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [201], answers
    assert len({answer["connection"]["uri"] for _, answer in answers}) == 1
