"""`POST /v1/databases/{id}/restore`: an expired database back, within the time of grace."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.memory.provider import MemoryProvider, no_trouble
from domain.errors import ProviderBusy
from tests.support.apps import Answer, RunningApp, problem_in, running_app
from tests.support.later import Later
from tests.support.polling import until
from tests.support.slow_clock import SlowClock
from tests.support.sweeps import done, expired, state_of
from tests.support.trouble import Gate, failing

HOUR = 3600.0


async def restored(app: RunningApp, database: Any, body: Any = None) -> Answer:
    return await app.ask("POST", f"/v1/databases/{database['id']}/restore", body)


async def test_a_restored_database_is_as_it_was_with_a_new_end() -> None:
    async with running_app(grace_period="24h") as app:
        database = await expired(app)

        answer = await restored(app, database, {"ttl": "2h"})

        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.body["state"] == "ready"
        assert answer.body["connection"] == database["connection"]
        assert app.accepts(database["connection"])
        ends = datetime.fromisoformat(answer.body["expires_at"])
        assert ends == app.clock.now() + timedelta(hours=2)


async def test_a_restored_database_ends_again() -> None:
    async with running_app(grace_period="24h") as app:
        database = await expired(app)
        await restored(app, database, {"ttl": "2h"})

        app.clock.passed += 2 * HOUR
        assert await done(app) == [("expire", database["id"])]

        assert await state_of(app, database["id"]) == "expired"
        assert not app.accepts(database["connection"])
        assert (await restored(app, database)).status == 200


@pytest.mark.parametrize("body", [None, {}, {"ttl": None}])
async def test_without_a_time_it_gets_the_operators_usual_one(body: Any) -> None:
    async with running_app(grace_period="24h", default_ttl="5h") as app:
        database = await expired(app)

        ends = (await restored(app, database, body)).body["expires_at"]

        assert datetime.fromisoformat(ends) == app.clock.now() + timedelta(hours=5)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ttl": "soon"}, "invalid_duration"),
        ({"ttl": "25h"}, "invalid_duration"),
        ({"ttl": 1}, "invalid_request"),
        ({"labels": {}}, "invalid_request"),
        ([], "invalid_request"),
    ],
)
async def test_a_restore_that_cannot_be_made_leaves_it_frozen(body: Any, code: str) -> None:
    async with running_app(grace_period="24h", max_ttl="24h") as app:
        database = await expired(app)

        problem_in(await restored(app, database, body), 422, code)

        assert await state_of(app, database["id"]) == "expired"
        assert not app.accepts(database["connection"])


async def test_only_what_has_expired_is_restored() -> None:
    async with running_app(grace_period="24h") as app:
        ready, dropped = await app.vend(), await expired(app)
        app.clock.passed += 24 * HOUR
        await done(app)

        problem_in(await restored(app, ready), 409, "illegal_state")
        problem_in(await restored(app, dropped), 409, "illegal_state")


async def test_while_it_is_restored_others_are_told_to_come_back() -> None:
    later, gate = Later(), Gate("before provision")
    async with running_app(MemoryProvider(trouble=later), grace_period="24h") as app:
        database = await expired(app)
        later.begins = gate
        async with app.replica(grace_period="24h") as other:
            restoring = asyncio.create_task(restored(app, database))
            await gate.reached.wait()
            told = await restored(other, database)
            problem_in(told, 409, "in_flight")
            assert int(told.headers["Retry-After"]) > 0
            gate.open()

            assert (await restoring).status == 200


async def test_a_deletion_amid_a_restore_needs_no_sweep() -> None:
    later, gate = Later(), Gate("before provision")
    async with running_app(
        MemoryProvider(trouble=later), clock=SlowClock(), grace_period="24h"
    ) as app:
        database = await expired(app)
        later.begins = gate
        restoring = asyncio.create_task(restored(app, database))
        await gate.reached.wait()
        assert (await app.ask("DELETE", f"/v1/databases/{database['id']}")).status == 202
        gate.open()

        problem_in(await restoring, 409, "illegal_state")
        await until(app.nothing_is_left)


async def test_a_restore_that_was_cut_off_is_finished_by_the_sweep() -> None:
    later = Later()
    async with running_app(MemoryProvider(trouble=later), grace_period="24h") as app:
        database = await expired(app)
        later.begins = failing("before provision", ProviderBusy)
        problem_in(await restored(app, database, {"ttl": "5h"}), 503, "provider_busy")
        later.begins = no_trouble

        app.clock.passed += 60
        assert await done(app) == [("restore", database["id"])]

        assert await state_of(app, database["id"]) == "ready"
        assert app.accepts(database["connection"])
