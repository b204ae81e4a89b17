"""Where the records and what is there differ, and what a sweep does about it."""

import pytest

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from domain.order import Order, Tenant
from domain.secret import Secret
from tests.support.apps import RunningApp, running_app
from tests.support.half_made import PASSWORDS, left_without_record
from tests.support.records import new_record
from tests.support.sweeps import connection_of, done, state_of, swept
from tests.support.trouble import failing

HOUR = 3600.0


async def test_a_database_of_ours_without_a_record_gets_one(app: RunningApp) -> None:
    found = await left_without_record(app)

    assert await done(app) == [("adopt", found)]

    record = await app.get(f"/v1/databases/{found}")
    assert (record["state"], record["database"]) == ("ready", "found")
    assert app.accepts(await connection_of(app, found))


async def test_a_record_whose_database_is_gone_says_so(app: RunningApp) -> None:
    kept, lost = await app.vend("kept"), await app.vend("lost")
    record = await app.records.registry.get(lost["id"])
    await app.provider.retire(record.tenant)
    app.clock.passed += HOUR

    assert await done(app) == [("forget", lost["id"])]

    assert await state_of(app, lost["id"]) == "retired"
    assert app.accepts(kept["connection"])


async def test_what_was_made_a_moment_ago_may_not_be_listed_yet(app: RunningApp) -> None:
    await app.vend("kept")
    app.clock.passed += HOUR
    lost = await app.vend("lost")
    record = await app.records.registry.get(lost["id"])
    await app.provider.retire(record.tenant)

    assert await swept(app) == []
    assert await state_of(app, lost["id"]) == "ready"


async def test_what_was_forgotten_and_turns_up_is_handed_out_again(app: RunningApp) -> None:
    await app.vend("kept")
    lost = await app.vend("lost")
    record = await app.records.registry.get(lost["id"])
    await app.provider.retire(record.tenant)
    app.clock.passed += HOUR
    await done(app)
    await app.provider.provision(record.order(PASSWORDS))

    assert await done(app) == [("adopt", lost["id"])]

    assert await state_of(app, lost["id"]) == "ready"
    assert await connection_of(app, lost["id"]) == lost["connection"]


async def test_where_nothing_that_is_recorded_is_there_it_is_told_and_left() -> None:
    """It is another server, say."""
    async with running_app() as app:
        database = await app.vend()
    app.clock.passed += HOUR
    async with running_app(clock=app.clock, records=app.records) as elsewhere:
        [told] = await swept(elsewhere)

        assert (told["action"], told["outcome"]) == ("miss", "left as it is")
        assert (told["id"], told["database"]) == (database["id"], database["database"])
        assert "right server" in told["detail"]
        assert await state_of(elsewhere, database["id"]) == "ready"


@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_has_no_record_and_is_not_whole_is_told_and_left(dry_run: bool) -> None:
    cut_off = failing("amid provision", ProviderBusy, times=1)
    async with running_app(MemoryProvider(trouble=cut_off)) as app:
        with pytest.raises(ProviderBusy):
            await left_without_record(app)
        held = await app.provider.inventory()

        [told] = await swept(app, dry_run=dry_run)

        assert (told["action"], told["outcome"]) == ("doubt", "left as it is")
        assert told["database"] == held[0].owner
        assert await app.provider.inventory() == held


async def test_what_comes_back_after_it_was_dropped_is_dropped_again(app: RunningApp) -> None:
    database = await app.vend()
    record = await app.records.registry.get(database["id"])
    await app.ask("DELETE", f"/v1/databases/{database['id']}")
    await swept(app)
    await app.provider.provision(record.order(PASSWORDS))

    assert await done(app) == [("remove", database["id"])]

    assert await app.nothing_is_left()


async def test_what_bears_no_mark_of_ours_is_left_alone(app: RunningApp) -> None:
    names = new_record("a stranger's").names
    stranger = Order(tenant=Tenant(id="stranger", names=names), password=Secret("x"))
    connection = await app.provider.provision(stranger)
    app.clock.passed += 100 * 24 * 3600

    assert await swept(app) == []
    assert app.provider.accepts(connection)
