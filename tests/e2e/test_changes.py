"""`PATCH /v1/databases/{id}`: another end, other labels; and what can be changed no more."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.apps import Answer, RunningApp, problem_in, running_app
from tests.support.half_made import left_half_made

HOUR = 3600.0


def path_of(database: Any, what: str = "") -> str:
    return f"/v1/databases/{database['id']}{what}"


async def patched(app: RunningApp, database: Any, **change: Any) -> Answer:
    return await app.ask("PATCH", path_of(database), change)


async def test_a_longer_time_counts_from_now(app: RunningApp) -> None:
    database = await app.vend(ttl="2h")
    app.clock.passed += HOUR

    extended = await patched(app, database, ttl="3h")

    assert extended.status == 200
    assert _moment(extended.body["expires_at"]) == app.clock.now() + timedelta(hours=3)
    assert "connection" not in extended.body
    assert await app.get(path_of(database)) == extended.body


async def test_a_time_can_be_made_shorter_and_given_to_what_had_none(app: RunningApp) -> None:
    for ttl in (None, "2h"):
        database = await app.vend(ttl=ttl)
        extended = await patched(app, database, ttl="1h")
        assert _moment(extended.body["expires_at"]) == app.clock.now() + timedelta(hours=1)


async def test_labels_are_replaced_as_a_whole(app: RunningApp) -> None:
    database = await app.vend(labels={"a": "1", "b": "2"}, ttl="1h")

    relabelled = await patched(app, database, labels={"b": "3"})

    assert relabelled.body["labels"] == {"b": "3"}
    assert relabelled.body["expires_at"] == database["expires_at"]
    assert (await patched(app, database, labels={})).body["labels"] == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "invalid_request"),
        ({"ttl": None}, "invalid_request"),
        ({"ttl": 60}, "invalid_request"),
        ({"ttl": "soon"}, "invalid_duration"),
        ({"ttl": "1s"}, "invalid_duration"),
        ({"ttl": "25h"}, "invalid_duration"),
        ({"ttl": "1h", "nickname": "other"}, "invalid_request"),
        ({"state": "ready"}, "invalid_request"),
        ({"labels": {"": "x"}}, "invalid_labels"),
        ({"labels": {"a": None}}, "invalid_request"),
        ({"ttl": "1h", "labels": {"a b": "x"}}, "invalid_labels"),
    ],
)
async def test_a_change_that_cannot_be_made_changes_nothing(
    change: dict[str, Any], code: str
) -> None:
    async with running_app(max_ttl="24h") as app:
        database = await app.vend()
        before = await app.get(path_of(database))

        problem_in(await patched(app, database, **change), 422, code)

        assert await app.get(path_of(database)) == before


async def test_what_is_no_json_changes_nothing(app: RunningApp) -> None:
    path = path_of(await app.vend())

    problem_in(await app.ask("PATCH", path), 400, "malformed_body")
    async with app.client.patch(path, data=b'{"ttl": "1h"}') as response:
        assert response.status == 415


REQUESTS = [
    ("PATCH", "", {"ttl": "1h"}),
    ("PATCH", "", {"labels": {}}),
    ("POST", "/rotate", None),
    ("GET", "/connection", None),
]


@pytest.mark.parametrize(("method", "what", "body"), REQUESTS)
async def test_one_that_was_deleted_stays_as_it_is(
    app: RunningApp, method: str, what: str, body: Any
) -> None:
    database = await app.vend()
    await app.ask("DELETE", path_of(database))

    problem_in(await app.ask(method, path_of(database, what), body), 409, "illegal_state")
    problem_in(await app.ask("POST", path_of(database, "/restore")), 409, "illegal_state")
    await app.ask("POST", "/v1/sweep")

    assert await app.nothing_is_left()


@pytest.mark.parametrize(("method", "what", "body"), REQUESTS)
async def test_one_that_is_being_made_is_to_be_asked_for_again(
    app: RunningApp, method: str, what: str, body: Any
) -> None:
    left = await left_half_made(app)

    answer = await app.ask(method, f"/v1/databases/{left.id}{what}", body)

    assert problem_in(answer, 409, "in_flight")["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    assert await app.records.registry.get(left.id) == left


@pytest.mark.parametrize(("method", "what", "body"), REQUESTS)
async def test_one_whose_time_is_over_stays_as_it_is(
    app: RunningApp, method: str, what: str, body: Any
) -> None:
    """Also before the sweep has come by."""
    database = await app.vend(ttl="1h")
    app.clock.passed += HOUR

    problem = problem_in(await app.ask(method, path_of(database, what), body), 409, "illegal_state")

    assert "expired" in problem["detail"]


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [*REQUESTS, ("POST", "/restore", None), ("GET", "/events", None), ("DELETE", "", None)],
)
@pytest.mark.parametrize(
    "database_id", ["db_nobody", "db_01arz3ndektsv4rrffq69g5fav", "%00", "%ff", "%ED%A0%80", "DB_X"]
)
async def test_an_id_that_nothing_has_is_not_found(
    app: RunningApp, method: str, what: str, body: Any, database_id: str
) -> None:
    answer = await app.ask(method, f"/v1/databases/{database_id}{what}", body)

    assert problem_in(answer, 404, "database_not_found")["detail"].isprintable()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
