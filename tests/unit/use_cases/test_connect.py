"""The connection of a database, again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import DatabaseNotFound, IllegalTransition, InFlight, ProviderBusy
from domain.states import State
from ports.driving.vend import VendRequest
from tests.support.aftermath import settle
from tests.support.doubles import Fails
from tests.support.records import new_record
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
SALES = VendRequest(nickname="Sales", ttl=HOUR)


async def test_the_connection_is_the_one_that_was_handed_out() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)

    assert await memory.replica().connect()(made.database.id) == made


async def test_nothing_changes_by_asking() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)

    await memory.connect()(made.database.id)

    assert await memory.only_record() == made.database
    assert memory.provider.accepts(made.connection)


async def test_after_a_rotation_it_bears_the_new_password() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    rotated = await memory.rotate()(made.database.id)

    assert (await memory.connect()(made.database.id)).connection == rotated.connection


@pytest.mark.parametrize("moment", ["before rotate", "after rotate"])
async def test_while_the_password_changes_nobody_is_told_one_that_may_not_work(
    moment: str,
) -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    memory.trouble = Fails({moment: [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.database.id)

    with pytest.raises(InFlight):
        await memory.connect()(made.database.id)

    await settle(memory)
    record = await memory.only_record()
    if record.state is State.READY:
        assert memory.provider.accepts((await memory.connect()(record.id)).connection)


@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING, State.READY}))
async def test_only_what_is_ready_has_a_connection(state: State) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record(state=state))

    with pytest.raises(IllegalTransition, match=f"is {state}, not ready"):
        await memory.connect()(record.id)


async def test_what_is_being_made_has_one_soon() -> None:
    memory = Memory()
    record = await memory.registry.add(new_record())

    with pytest.raises(InFlight, match="is being made"):
        await memory.connect()(record.id)


async def test_what_is_over_has_none_any_more() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match="is expired"):
        await memory.connect()(made.database.id)


async def test_a_provider_that_cannot_tell_is_passed_on() -> None:
    memory = Memory()
    made = await memory.vend()(SALES)
    memory.trouble = Fails({"reveal": [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await memory.connect()(made.database.id)


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await Memory().connect()("db_unknown")


@pytest.mark.parametrize("way", ["connect", "vend"])
async def test_what_goes_while_it_is_asked_for_is_told_to_be_gone(way: str) -> None:
    memory = Memory()
    request = replace(SALES, key="k")
    made = await memory.vend()(request)

    async def dropped(moment: str) -> None:
        if moment == "reveal":
            await memory.retire().promise(made.database.id)
            raise DatabaseNotFound

    memory.trouble = dropped
    with pytest.raises(IllegalTransition, match="is retiring"):
        await (memory.vend()(request) if way == "vend" else memory.connect()(made.database.id))
