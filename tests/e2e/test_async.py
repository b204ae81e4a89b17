"""`Prefer: respond-async`: the promise of a database, and where it is kept."""

from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy, ProviderRejected
from tests.support.apps import Answer, RunningApp, problem_in, running_app
from tests.support.polling import until
from tests.support.slow_clock import SlowClock
from tests.support.trouble import Gate, failing

PATH = "/v1/databases"
ASYNC = {"Prefer": "respond-async"}


async def promised(app: RunningApp, key: str | None = None, **more: Any) -> Answer:
    headers = ASYNC | ({"Idempotency-Key": key} if key else {})
    return await app.ask("POST", PATH, {"nickname": "later", **more}, headers)


async def comes_to(app: RunningApp, answer: Answer, state: str) -> Any:
    async def has_come() -> bool:
        return bool((await app.get(answer.headers["Location"]))["state"] == state)

    await until(has_come)
    return await app.get(answer.headers["Location"])


async def test_the_answer_comes_before_the_database() -> None:
    gate = Gate("before provision")
    async with running_app(MemoryProvider(trouble=gate)) as app:
        answer = await promised(app)

        assert answer.status == 202
        assert answer.headers["Preference-Applied"] == "respond-async"
        assert answer.headers["Location"] == f"{PATH}/{answer.body['id']}"
        assert answer.body["state"] == "provisioning"
        assert [step["state"] for step in answer.body["steps"]] == ["running"]
        assert "connection" not in answer.body
        gate.open()
        await comes_to(app, answer, "ready")


async def test_its_connection_is_there_when_it_is_ready(app: RunningApp) -> None:
    answer = await promised(app)
    record = await comes_to(app, answer, "ready")

    connection = await app.get(f"{answer.headers['Location']}/connection")

    assert connection["database"] == record["database"]
    assert app.accepts(connection)


async def test_until_then_there_is_no_connection() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate)) as app:
        answer = await promised(app)
        await gate.reached.wait()

        connection = await app.ask("GET", f"{answer.headers['Location']}/connection")

        assert problem_in(connection, 409, "in_flight")["retryable"] is True
        gate.open()
        await comes_to(app, answer, "ready")


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        ("respond-async", 202),
        ("Respond-Async", 202),
        ("wait=5, respond-async", 202),
        ("respond-async;wait=5, return=minimal", 202),
        ("return=minimal", 201),
        ("no-respond-async", 201),
        ("respond-async-later", 201),
        ("", 201),
    ],
)
async def test_only_who_prefers_it_gets_a_promise(
    app: RunningApp, prefer: str, status: int
) -> None:
    answer = await app.ask("POST", PATH, {"nickname": "n"}, {"Prefer": prefer})

    assert answer.status == status
    assert ("Preference-Applied" in answer.headers) == (status == 202)


async def test_a_preference_may_come_in_a_header_of_its_own(app: RunningApp) -> None:
    two = [("Prefer", "return=minimal"), ("Prefer", "respond-async")]

    assert (await app.ask("POST", PATH, {"nickname": "n"}, two)).status == 202


async def test_bad_input_is_refused_at_once(app: RunningApp) -> None:
    problem_in(await promised(app, nickname="!?"), 422, "invalid_nickname")
    problem_in(await promised(app, ttl="soon"), 422, "invalid_duration")

    assert await app.nothing_is_left()


async def test_a_taken_name_is_refused_at_once(app: RunningApp) -> None:
    await app.vend("later")

    problem_in(await promised(app, on_conflict="reject"), 409, "name_taken")


async def test_what_became_of_a_failed_promise_is_on_record() -> None:
    refusing = failing("before provision", ProviderRejected)
    async with running_app(MemoryProvider(trouble=refusing)) as app:
        record = await comes_to(app, await promised(app), "failed")

        assert [(step["name"], step["state"]) for step in record["steps"]] == [
            ("provision", "failed"),
            ("retire", "done"),
        ]
        assert record["steps"][0]["error"] == str(ProviderRejected())
        assert await app.nothing_is_left()


async def test_a_repeated_promise_is_the_same(app: RunningApp) -> None:
    first = await promised(app, "a key")
    await comes_to(app, first, "ready")

    second = await promised(app, "a key")

    assert (second.status, second.body["id"]) == (202, first.body["id"])
    assert second.body["state"] == "ready"
    problem_in(await promised(app, "a key", ttl="1h"), 422, "idempotency_key_reused")


async def test_a_promise_of_what_was_deleted_is_refused_as_it_is_without_one(
    app: RunningApp,
) -> None:
    first = await promised(app, "a key")
    await comes_to(app, first, "ready")
    await app.ask("DELETE", first.headers["Location"])
    await until(app.nothing_is_left)
    same = {"nickname": "later"}, {"Idempotency-Key": "a key"}

    later, now = await promised(app, "a key"), await app.ask("POST", PATH, *same)

    problem = problem_in(later, 409, "illegal_state")
    assert "take a new key" in problem["detail"]
    assert problem["detail"] == problem_in(now, 409, "illegal_state")["detail"]


async def test_a_promise_of_what_is_over_is_refused(app: RunningApp) -> None:
    first = await promised(app, "a key", ttl="1h")
    await comes_to(app, first, "ready")
    app.clock.passed += 3600

    problem_in(await promised(app, "a key", ttl="1h"), 409, "illegal_state")


async def test_a_promise_can_be_waited_for_under_its_key() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate)) as app:
        first = await promised(app, "a key")
        await gate.reached.wait()
        same = {"nickname": "later"}, {"Idempotency-Key": "a key"}
        problem_in(await app.ask("POST", PATH, *same), 409, "in_flight")
        gate.open()
        await comes_to(app, first, "ready")

        waited = await app.ask("POST", PATH, *same)

        assert (waited.status, waited.body["id"]) == (201, first.body["id"])
        assert app.accepts(waited.body["connection"])


async def test_a_promise_is_seen_to_be_kept_from_another_replica() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate)) as app:
        answer = await promised(app)
        await gate.reached.wait()
        async with app.replica() as other:
            gate.open()
            record = await comes_to(other, answer, "ready")

    assert record["id"] == answer.body["id"]


async def test_a_promise_can_be_deleted_before_it_is_kept() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate), clock=SlowClock()) as app:
        answer = await promised(app)
        await gate.reached.wait()
        assert (await app.ask("DELETE", answer.headers["Location"])).status == 202
        gate.open()

        await until(app.nothing_is_left)


async def test_a_provider_in_trouble_is_no_reason_to_lose_a_promise_without_a_word() -> None:
    busy = failing("before provision", ProviderBusy)
    async with running_app(MemoryProvider(trouble=busy)) as app:
        record = await comes_to(app, await promised(app), "failed")

        assert "cannot take this now" in record["steps"][0]["error"]
