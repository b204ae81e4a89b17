"""`POST /v1/databases/{id}/rotate`: a new password, and the end of the old one."""

import asyncio
from typing import Any

from adapters.memory.provider import MemoryProvider
from domain.errors import OutcomeUnknown, ProviderBusy
from tests.support.apps import Answer, RunningApp, problem_in, running_app
from tests.support.half_made import left_half_rotated
from tests.support.polling import until
from tests.support.slow_clock import SlowClock
from tests.support.trouble import Gate, failing


def path_of(database: Any, what: str = "") -> str:
    return f"/v1/databases/{database['id']}{what}"


async def rotated(app: RunningApp, database: Any) -> Answer:
    return await app.ask("POST", path_of(database, "/rotate"))


async def test_after_a_rotation_the_new_password_works_and_the_old_one_does_not(
    app: RunningApp,
) -> None:
    database = await app.vend()

    answer = await rotated(app, database)

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert app.accepts(answer.body["connection"])
    assert not app.accepts(database["connection"])


async def test_a_rotation_changes_nothing_but_the_password(app: RunningApp) -> None:
    database = await app.vend(labels={"a": "b"}, ttl="1h")

    after = (await rotated(app, database)).body

    assert _but(after, "connection", "steps") == _but(database, "connection", "steps")
    before, now = database["connection"], after["connection"]
    assert _but(now, "password", "uri") == _but(before, "password", "uri")


async def test_every_rotation_makes_another_password(app: RunningApp) -> None:
    database = await app.vend()
    answers = [await rotated(app, database) for _ in range(5)]

    passwords = {answer.body["connection"]["password"] for answer in answers}

    assert len(passwords | {database["connection"]["password"]}) == 6
    assert app.accepts(answers[-1].body["connection"])


async def test_many_rotations_at_once_end_with_one_password_that_works(app: RunningApp) -> None:
    database = await app.vend()
    async with app.replica() as other:
        answers = await asyncio.gather(*(rotated(where, database) for where in [app, other] * 5))

    assert {answer.status for answer in answers} <= {200, 409}
    now = await app.get(path_of(database, "/connection"))
    assert app.accepts(now)
    handed_out = [answer.body["connection"] for answer in answers if answer.status == 200]
    assert now["password"] in {connection["password"] for connection in handed_out}


async def test_while_the_password_changes_others_are_told_to_come_back() -> None:
    gate = Gate("before rotate")
    async with running_app(MemoryProvider(trouble=gate)) as app, app.replica() as other:
        database = await app.vend()
        rotating = asyncio.create_task(rotated(app, database))
        await gate.reached.wait()
        for where in (app, other):
            told = await rotated(where, database)
            problem_in(told, 409, "in_flight")
            assert int(told.headers["Retry-After"]) > 0
            connection = await where.ask("GET", path_of(database, "/connection"))
            problem_in(connection, 409, "in_flight")
        gate.open()

        assert app.accepts((await rotating).body["connection"])


async def test_a_deletion_amid_a_rotation_needs_no_sweep() -> None:
    gate = Gate("before rotate")
    async with running_app(MemoryProvider(trouble=gate), clock=SlowClock()) as app:
        database = await app.vend()
        rotating = asyncio.create_task(rotated(app, database))
        await gate.reached.wait()
        deleted = await app.ask("DELETE", path_of(database))
        assert (deleted.status, deleted.body["state"]) == (202, "retiring")
        gate.open()

        problem_in(await rotating, 409, "illegal_state")
        await until(app.nothing_is_left)


async def test_a_rotation_whose_answer_was_lost_is_finished_by_the_next() -> None:
    lost = failing("after rotate", OutcomeUnknown, times=8)
    async with running_app(MemoryProvider(trouble=lost)) as app:
        database = await app.vend()
        problem_in(await rotated(app, database), 503, "outcome_unknown")

        answer = await rotated(app, database)

        assert app.accepts(answer.body["connection"])
        assert await app.get(path_of(database, "/connection")) == answer.body["connection"]


async def test_a_rotation_that_was_killed_is_finished_by_the_sweep(app: RunningApp) -> None:
    database = await app.vend()
    order = await left_half_rotated(app, database["id"])

    swept = await app.ask("POST", "/v1/sweep")

    assert [found["action"] for found in swept.body["findings"]] == ["rotate"]
    now = await app.get(path_of(database, "/connection"))
    assert now["password"] == order.password.reveal()
    assert app.accepts(now)


async def test_a_provider_that_is_away_leaves_the_password_as_it_was() -> None:
    busy = failing("before rotate", ProviderBusy)
    async with running_app(MemoryProvider(trouble=busy)) as app:
        database = await app.vend()

        problem_in(await rotated(app, database), 503, "provider_busy")

        assert app.accepts(database["connection"])


def _but(told: Any, *names: str) -> Any:
    return {name: value for name, value in told.items() if name not in names}
