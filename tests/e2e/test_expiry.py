"""The end of a database's time: no login, then a time of grace, then nothing."""

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app
from tests.support.sweeps import done, expired, state_of
from tests.support.trouble import failing

HOUR = 3600.0


async def test_before_its_end_nothing_happens_to_it(app: RunningApp) -> None:
    database = await app.vend(ttl="1h")
    app.clock.passed += HOUR - 1

    assert await done(app) == []
    assert app.accepts(database["connection"])


async def test_without_grace_it_is_dropped_at_its_end(app: RunningApp) -> None:
    database = await expired(app)

    assert await state_of(app, database["id"]) == "retired"
    assert await app.nothing_is_left()


async def test_within_the_grace_it_is_frozen_and_then_dropped() -> None:
    async with running_app(grace_period="24h") as app:
        database = await expired(app)
        assert await state_of(app, database["id"]) == "expired"
        assert not app.accepts(database["connection"])
        assert [held.id for held in await app.provider.inventory()] == [database["id"]]

        app.clock.passed += 24 * HOUR - 1
        assert await done(app) == []
        app.clock.passed += 1
        assert await done(app) == [("expire", database["id"])]

        assert await state_of(app, database["id"]) == "retired"
        assert await app.nothing_is_left()


async def test_a_sweep_that_comes_too_late_drops_at_once() -> None:
    async with running_app(grace_period="24h") as app:
        database = await app.vend(ttl="1h")
        app.clock.passed += 26 * HOUR

        assert await done(app) == [("expire", database["id"])]

        assert await state_of(app, database["id"]) == "retired"


async def test_what_was_extended_lives_on(app: RunningApp) -> None:
    database = await app.vend(ttl="1h")
    await app.ask("PATCH", f"/v1/databases/{database['id']}", {"ttl": "3h"})
    app.clock.passed += 2 * HOUR

    assert await done(app) == []
    assert app.accepts(database["connection"])
    app.clock.passed += HOUR
    assert await done(app) == [("expire", database["id"])]


async def test_what_has_expired_can_be_deleted_at_once() -> None:
    async with running_app(grace_period="24h") as app:
        database = await expired(app)

        assert (await app.ask("DELETE", f"/v1/databases/{database['id']}")).status == 202
        await done(app)

        assert await app.nothing_is_left()


async def test_a_provider_that_is_away_gets_the_end_told_later() -> None:
    away = failing("before suspend", ProviderBusy, times=8)
    async with running_app(MemoryProvider(trouble=away), grace_period="24h") as app:
        database = await app.vend(ttl="1h")
        app.clock.passed += HOUR
        found = (await app.ask("POST", "/v1/sweep")).body["findings"]
        assert [one["outcome"] for one in found] == ["provider_busy"]
        assert await state_of(app, database["id"]) == "expired"

        app.clock.passed += 60
        assert await done(app) == [("expire", database["id"])]

        assert not app.accepts(database["connection"])


async def test_its_name_is_free_once_it_is_dropped(app: RunningApp) -> None:
    database = await expired(app)

    again = await app.vend(on_conflict="reject")

    assert again["database"] == database["database"]
    assert again["connection"]["password"] != database["connection"]["password"]
