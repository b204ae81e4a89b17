"""`POST /v1/sweep`: what is found, and what is done about it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, problem_in, running_app
from tests.support.half_made import (
    left_half_dropped,
    left_half_made,
    left_half_rotated,
    left_without_record,
)
from tests.support.later import Later
from tests.support.records import ELSEWHERE, new_record
from tests.support.sweeps import connection_of, done, state_of, swept
from tests.support.trouble import Gate, failing


async def test_where_all_is_in_line_nothing_is_found(app: RunningApp) -> None:
    for ttl in (None, "1h"):
        await app.vend(ttl=ttl)
    await app.ask("DELETE", f"/v1/databases/{(await app.vend())['id']}")
    await swept(app)

    assert await swept(app) == []


async def test_what_somebody_can_come_back_for_is_finished(app: RunningApp) -> None:
    left = await left_half_made(app)

    assert await done(app) == [("finish", left.id)]

    assert await state_of(app, left.id) == "ready"
    assert app.accepts(await connection_of(app, left.id))


async def test_what_nobody_can_come_back_for_is_undone(app: RunningApp) -> None:
    left = await left_half_made(app, promised=False)

    assert await done(app) == [("undo", left.id)]

    assert await state_of(app, left.id) == "failed"
    assert await app.nothing_is_left()


async def test_a_rotation_that_was_cut_off_is_finished(app: RunningApp) -> None:
    database = await app.vend()
    await left_half_rotated(app, database["id"])

    assert await done(app) == [("rotate", database["id"])]

    assert app.accepts(await connection_of(app, database["id"]))
    assert not app.accepts(database["connection"])


async def test_a_deletion_that_was_never_begun_is_done(app: RunningApp) -> None:
    database = await app.vend()
    await left_half_dropped(app, database["id"])

    assert await done(app) == [("retire", database["id"])]

    assert await app.nothing_is_left()


async def test_records_of_another_place_are_left_alone(app: RunningApp) -> None:
    there = replace(new_record(target=ELSEWHERE, made=app.clock.now()), promised=True)
    await app.records.registry.add(there)

    assert await swept(app) == []
    assert await state_of(app, there.id) == "provisioning"


async def test_a_dry_run_finds_the_same_and_does_nothing(app: RunningApp) -> None:
    left, found = await left_half_made(app), await left_without_record(app)
    before = await app.get("/v1/databases")

    probed = await swept(app, dry_run=True)

    assert {(one["action"], one["id"]) for one in probed} == {("finish", left.id), ("adopt", found)}
    assert {one["outcome"] for one in probed} == {"would be done"}
    assert await app.get("/v1/databases") == before
    assert set(await done(app)) == {(one["action"], one["id"]) for one in probed}


async def test_what_somebody_is_at_is_not_touched() -> None:
    gate = Gate("amid provision")
    async with running_app(MemoryProvider(trouble=gate)) as app, app.replica() as other:
        vending = asyncio.create_task(app.vend())
        await gate.reached.wait()
        for where in (app, other):
            assert await swept(where) == []
            assert await swept(where, dry_run=True) == []
        gate.open()

        assert app.accepts((await vending)["connection"])


async def test_many_sweeps_at_once_do_everything_once(app: RunningApp) -> None:
    left = {(await left_half_made(app, f"left {number}")).id for number in range(8)}
    async with app.replica() as other:
        sweeps = await asyncio.gather(*(swept(where) for where in [app, other] * 3))

    finished = [found["id"] for findings in sweeps for found in findings]
    assert sorted(finished) == sorted(left)


async def test_what_cannot_be_done_is_told_and_done_later() -> None:
    busy = failing("before retire", ProviderBusy, times=8)
    async with running_app(MemoryProvider(trouble=busy)) as app:
        database = await app.vend()
        await left_half_dropped(app, database["id"])
        (found,) = await swept(app)
        assert (found["outcome"], found["detail"]) == ("provider_busy", str(ProviderBusy()))
        assert await swept(app) == [], "it comes to it after a pause"

        app.clock.passed += 60

        assert await done(app) == [("retire", database["id"])]


async def test_a_crash_is_told_by_its_name_alone() -> None:
    """What it says may hold a secret: it is for the log."""
    crash = RuntimeError("a secret")
    async with running_app(MemoryProvider(trouble=failing("before retire", lambda: crash))) as app:
        database = await app.vend()
        await left_half_dropped(app, database["id"])

        with capture_logs() as logged:
            (found,) = await swept(app)

        assert [event["exc_info"] for event in logged if event["event"] == "sweep.retire"] == [
            crash
        ]
        assert set(found) == {"action", "id", "database", "outcome", "detail"}
        assert (found["outcome"], found["detail"]) == ("internal_error", "RuntimeError")


async def test_what_cannot_be_compared_keeps_nothing_else_from_being_done() -> None:
    later = Later()
    async with running_app(MemoryProvider(trouble=later)) as app:
        left = await left_half_made(app)
        later.begins = failing("inventory", ProviderBusy)

        found = [(one["action"], one["id"], one["outcome"]) for one in await swept(app)]

    assert found == [("finish", left.id, "done"), ("compare", "", "provider_busy")]


@pytest.mark.parametrize("body", [{"dry_run": "perhaps"}, {"dryrun": True}, []])
async def test_what_is_no_order_to_sweep_is_refused(app: RunningApp, body: Any) -> None:
    left = await left_half_made(app)

    problem_in(await app.ask("POST", "/v1/sweep", body), 422, "invalid_request")

    assert await state_of(app, left.id) == "provisioning"


async def test_no_body_is_needed(app: RunningApp) -> None:
    answer = await app.ask("POST", "/v1/sweep")

    assert (answer.status, answer.body) == (200, {"findings": []})
