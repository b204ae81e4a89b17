"""`GET /v1/databases/{id}/events`: what is done for a database, as it is done."""

from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.event_stream import events_of, steps_in, stream_of
from tests.support.half_made import left_without_record
from tests.support.slow_clock import SlowClock
from tests.support.trouble import Gate

MADE = [
    ("provision", "running"),
    ("provision", "done"),
    ("verify", "running"),
    ("verify", "done"),
]

PROMISE: Any = ("POST", "/v1/databases", {"nickname": "watched"}, {"Prefer": "respond-async"})


async def promised(app: RunningApp) -> str:
    """The address of a database that is being made."""
    return (await app.ask(*PROMISE)).headers["Location"]


async def made(app: RunningApp) -> str:
    return f"/v1/databases/{(await app.vend())['id']}"


async def test_a_listener_sees_every_step_as_it_happens_and_how_it_ended() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate), clock=SlowClock()) as app:
        path = await promised(app)
        async with stream_of(app, path) as stream:
            assert (await stream.first()).step == ("provision", "running")
            gate.open()
            rest = await stream.all()

        assert steps_in(rest) == MADE[1:]
        assert rest[-1].name == "settled"
        assert rest[-1].data == await app.get(path)


async def test_a_late_listener_is_told_from_the_start(app: RunningApp) -> None:
    events = await events_of(app, await made(app))

    assert steps_in(events) == MADE
    assert [event.id for event in events] == ["1", "2", "3", "4", "4-settled"]
    assert [event.name for event in events[4:]] == ["settled"]


@pytest.mark.parametrize("last", range(5))
async def test_who_comes_back_gets_what_was_missed(app: RunningApp, last: int) -> None:
    events = await events_of(app, await made(app), after=str(last))

    assert steps_in(events) == MADE[last:]
    assert events[-1].name == "settled"


async def test_who_knows_how_it_ended_is_told_to_stay_away(app: RunningApp) -> None:
    """A browser comes back for ever otherwise."""
    path = await made(app)
    settled = (await events_of(app, path))[-1]

    answer = await app.ask("GET", f"{path}/events", headers={"Last-Event-ID": settled.id})

    assert (answer.status, answer.body) == (204, None)


async def test_who_knows_how_it_ended_is_told_what_began_since(app: RunningApp) -> None:
    path = await made(app)
    settled = (await events_of(app, path))[-1]
    await app.ask("POST", f"{path}/rotate")

    events = await events_of(app, path, after=settled.id)

    assert steps_in(events) == [("rotate", "running"), ("rotate", "done")]
    assert events[-1].id == "6-settled"


async def test_one_that_was_found_without_a_history_has_an_end_too(app: RunningApp) -> None:
    """A browser that got no id at all would come back for ever."""
    path = f"/v1/databases/{await left_without_record(app)}"
    await app.ask("POST", "/v1/sweep")

    events = await events_of(app, path)

    assert [(event.id, event.name) for event in events] == [("0-settled", "settled")]
    again = await app.ask("GET", f"{path}/events", headers={"Last-Event-ID": "0-settled"})
    assert again.status == 204


async def test_events_hold_no_secret(app: RunningApp) -> None:
    database = await app.vend()
    async with app.client.get(f"/v1/databases/{database['id']}/events") as response:
        text = await response.text()

    assert database["connection"]["password"] not in text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "4-settle", "4 x", "1" * 10, "é", "settled"])
async def test_an_id_that_was_not_sent_is_refused(app: RunningApp, last: str) -> None:
    path = await made(app)

    answer = await app.ask("GET", f"{path}/events", headers={"Last-Event-ID": last})

    problem_in(answer, 422, "invalid_request")


async def test_an_empty_id_is_none(app: RunningApp) -> None:
    """As a browser sends it, when the last event had none."""
    assert steps_in(await events_of(app, await made(app), after="")) == MADE
