"""The same request again: the same database, whatever happened in between."""

import asyncio

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.half_made import left_half_made
from tests.support.keyed import LEGACY, ORDERS, PATH, keyed, ordered
from tests.support.trouble import Gate, failing


@pytest.mark.parametrize("path", ORDERS)
async def test_the_same_request_gets_the_same_answer(app: RunningApp, path: str) -> None:
    first, second = [await app.ask("POST", path, ORDERS[path], keyed()) for _ in range(2)]

    assert first.status == second.status
    assert first.body == second.body
    assert first.headers.get("Location") == second.headers.get("Location")
    assert len(await app.live()) == 1


async def test_both_routes_know_one_key(app: RunningApp) -> None:
    """A client that moves from one to the other repeats its request there."""
    new = await app.ask("POST", PATH, ORDERS[PATH], keyed())
    old = await app.ask("POST", LEGACY, ORDERS[LEGACY], keyed())

    assert old.body["database_owner_password"] == new.body["connection"]["password"]
    assert len(await app.live()) == 1


async def test_another_replica_gives_the_same_answer(app: RunningApp) -> None:
    async with app.replica() as other:
        first, second = await ordered(app), await ordered(other)

    assert first.body == second.body


async def test_a_later_start_gives_the_same_answer() -> None:
    async with running_app() as app:
        first = await ordered(app)
    async with app.replica() as later:
        assert (await ordered(later)).body == first.body


async def test_while_the_first_is_at_work_the_second_is_told_to_come_back() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate)) as app, app.replica() as other:
        first = asyncio.create_task(ordered(app))
        await gate.reached.wait()
        for replica in (app, other):
            told = await ordered(replica)
            problem = problem_in(told, 409, "in_flight")
            assert problem["retryable"] is True
            assert int(told.headers["Retry-After"]) > 0
        gate.open()

        assert (await first).body == (await ordered(other)).body
        assert len(await app.live()) == 1


async def test_of_many_at_once_all_that_get_a_database_get_the_one(app: RunningApp) -> None:
    async with app.replica() as other:
        answers = await asyncio.gather(*(ordered(where) for where in [app, other] * 10))
        again = await ordered(other)

    ids = {answer.body.get("id") for answer in answers if answer.status == 201}
    assert ids == {again.body["id"]}
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(await app.live()) == 1


async def test_what_a_killed_process_left_half_made_is_finished(app: RunningApp) -> None:
    left = await left_half_made(app, "Again", key="a key")

    finished = await ordered(app)

    assert (finished.status, finished.body["id"]) == (201, left.id)
    assert app.accepts(finished.body["connection"])
    assert len(await app.provider.inventory()) == 1


async def test_a_request_that_failed_may_be_made_again_under_its_key() -> None:
    busy = failing("before provision", ProviderBusy, times=8)
    async with running_app(MemoryProvider(trouble=busy)) as app:
        problem_in(await ordered(app), 503, "provider_busy")

        again = await ordered(app)

        assert again.status == 201
        assert app.accepts(again.body["connection"])


async def test_a_refused_request_does_not_use_up_its_key(app: RunningApp) -> None:
    problem_in(await ordered(app, nickname="!?"), 422, "invalid_nickname")

    assert (await ordered(app)).status == 201


async def test_after_a_rotation_the_password_of_now_is_told(app: RunningApp) -> None:
    database = (await ordered(app)).body
    rotated = (await app.ask("POST", f"{PATH}/{database['id']}/rotate")).body

    again = (await ordered(app)).body

    assert again["connection"] == rotated["connection"]
    assert app.accepts(again["connection"])


async def test_what_was_changed_since_is_told_as_it_is(app: RunningApp) -> None:
    database = (await ordered(app, labels={"a": "1"})).body
    await app.ask("PATCH", f"{PATH}/{database['id']}", {"labels": {"a": "2"}})

    assert (await ordered(app, labels={"a": "1"})).body["labels"] == {"a": "2"}


async def test_one_that_was_deleted_since_is_no_database_any_more(app: RunningApp) -> None:
    database = (await ordered(app)).body
    await app.ask("DELETE", f"{PATH}/{database['id']}")

    problem = problem_in(await ordered(app), 409, "illegal_state")

    assert "key" in problem["detail"]
    assert problem["retryable"] is False


async def test_one_whose_time_is_over_is_not_handed_out(app: RunningApp) -> None:
    await ordered(app, ttl="1h")
    app.clock.passed += 3600

    problem_in(await ordered(app, ttl="1h"), 409, "illegal_state")
