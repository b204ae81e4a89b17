"""The service over each kind of registry: invalid input is refused before it, and two replicas act
as one service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import pytest

from adapters.registry.stores import Stores
from tests.support.apps import RunningApp, check_problem, running_app
from tests.support.polling import wait_until

INVALID_IDS = (
    "%00",
    "%ff",
    "%ED%A0%80",
    "db_%00",
    quote("é\u202e"),
    "%0a",
    "..%2f..",
    "'",
    "1" * 5000,
)


@pytest.fixture
async def app(records: AbstractAsyncContextManager[Stores]) -> AsyncIterator[RunningApp]:
    async with records as opened, running_app(records=opened, grace_period="24h") as running:
        yield running


async def test_an_invalid_id_is_not_found(app: RunningApp) -> None:
    for odd in (*INVALID_IDS, "db_nobody"):
        for method, what in (
            *(("GET", what) for what in ("", "/connection", "/events")),
            *(("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/restore")),
        ):
            body = {"ttl": "1h"} if method == "PATCH" else None
            answer = await app.ask(method, f"/v1/databases/{odd}{what}", body)
            assert check_problem(answer, 404, "database_not_found")["detail"].isprintable()


async def test_an_unusual_nickname_is_stored_unchanged(app: RunningApp) -> None:
    for nickname in ("\ufffe n", "💾 n", "\u2028n", "\\u0000 n", "n" * 256):
        database = await app.create_database(nickname)
        assert (await app.get(f"/v1/databases/{database['id']}"))["nickname"] == nickname


async def test_replicas_that_reuse_a_nickname_at_the_same_time_create_one_database(
    app: RunningApp,
) -> None:
    body = {"nickname": "pr 7", "on_conflict": "reuse"}

    async def reuse(replica: RunningApp) -> tuple[int, str]:
        while True:  # the clock does not wait for a creation
            answer = await replica.ask("POST", "/v1/databases", body)
            if answer.status != 409 or answer.body["code"] != "in_flight":
                return answer.status, answer.body["connection"]["uri"]

    async with app.replica(grace_period="24h") as other:
        answers = await asyncio.gather(*map(reuse, (app, other) * 4))

    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({uri for _, uri in answers}) == 1


async def test_two_replicas_act_as_one_service(app: RunningApp) -> None:
    """Each replica sees and changes the databases of the other."""
    async with app.replica(grace_period="24h") as other:
        database = await app.create_database("shared", ttl="1h", labels={"a": "1"})
        path = f"/v1/databases/{database['id']}"
        rotated = await other.ask("POST", f"{path}/rotate")
        assert await app.get(f"{path}/connection") == rotated.body["connection"]
        tag = {"If-Match": rotated.headers["ETag"]}
        assert (await app.ask("PATCH", path, {"labels": {"a": "2"}}, tag)).status == 200
        check_problem(
            await other.ask("PATCH", path, {"ttl": "2h"}, tag), 412, "precondition_failed"
        )
        app.clock.passed += 3600
        await other.ask("POST", "/v1/reconciliations")
        assert not app.accepts(rotated.body["connection"])
        restored = await app.ask("POST", f"{path}/restore", {"ttl": "1h"})
        assert app.accepts(restored.body["connection"])
        assert (await other.ask("DELETE", path)).status == 202
        await wait_until(other.is_empty)
        assert (await other.get(path))["state"] == "deleted"
