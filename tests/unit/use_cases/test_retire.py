"""Dropping a database: promised at once, done later, both as often as one likes."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.registry import MemoryRegistry
from domain.database import Database
from domain.errors import DatabaseNotFound, ProviderBusy
from domain.states import State
from domain.steps import StepState
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.doubles import Fails, Holds
from tests.support.records import new_record
from tests.support.vending import Memory


class Restless(MemoryRegistry):
    """Somebody changes every record right after it was read, so many times."""

    def __init__(self, changes: int) -> None:
        super().__init__()
        self._changes = changes

    async def get(self, database_id: str) -> Database:
        read = await super().get(database_id)
        if self._changes:
            self._changes -= 1
            self._keep(replace(read, labels={"changes": str(self._changes)}))
        return read


async def vended(memory: Memory) -> Vended:
    return await memory.vend()(VendRequest(nickname="Sales"))


async def test_a_promise_is_recorded_and_nothing_is_dropped_yet() -> None:
    memory = Memory()
    made = await vended(memory)

    promised = await memory.retire().promise(made.database.id)

    assert promised.state is State.RETIRING
    assert (promised.steps[-1].name, promised.steps[-1].state) == ("retire", StepState.RUNNING)
    assert await memory.only_record() == promised
    assert await memory.held() == {made.database.id}


async def test_what_was_promised_is_dropped() -> None:
    memory = Memory()
    made = await vended(memory)
    await memory.retire().promise(made.database.id)

    await memory.retire().finish(made.database.id)

    record = await memory.only_record()
    assert record.state is State.RETIRED
    assert record.steps[-1].state is StepState.DONE
    assert not memory.provider.accepts(made.connection)
    assert await memory.held() == set()


async def test_nothing_is_dropped_without_a_promise() -> None:
    memory = Memory()
    made = await vended(memory)

    await memory.retire().finish(made.database.id)

    assert memory.provider.accepts(made.connection)
    assert (await memory.only_record()).state is State.READY


async def test_a_promise_may_be_repeated() -> None:
    memory = Memory()
    made = await vended(memory)

    first = await memory.retire().promise(made.database.id)

    assert await memory.retire().promise(made.database.id) == first


async def test_what_is_retired_stays_retired() -> None:
    memory = Memory()
    made = await vended(memory)
    await memory.retire().promise(made.database.id)
    await memory.retire().finish(made.database.id)
    retired = await memory.only_record()

    await memory.retire().finish(made.database.id)

    assert await memory.retire().promise(made.database.id) == retired


async def test_what_failed_needs_no_dropping() -> None:
    memory = Memory()
    failed = await memory.registry.add(new_record(state=State.FAILED))

    assert await memory.retire().promise(failed.id) == failed


async def test_what_has_expired_can_be_dropped() -> None:
    memory = Memory()
    expired = await memory.registry.add(new_record(state=State.EXPIRED))

    promised = await memory.retire().promise(expired.id)

    assert promised.state is State.RETIRING


async def test_an_unknown_database_is_not_found() -> None:
    memory = Memory()

    with pytest.raises(DatabaseNotFound):
        await memory.retire().promise("db_unknown")
    with pytest.raises(DatabaseNotFound):
        await memory.retire().finish("db_unknown")


async def test_a_promise_survives_changes_that_are_made_meanwhile() -> None:
    memory = Memory(registry=Restless(changes=3))
    made = await memory.registry.add(new_record())

    promised = await memory.retire().promise(made.id)

    assert promised.state is State.RETIRING
    assert await memory.only_record() == promised
    assert promised.labels == {"changes": "0"}, "a change was lost"


@pytest.mark.parametrize("moment", ["before retire", "amid retire", "after retire"])
async def test_what_could_not_be_dropped_is_still_promised_and_can_be_dropped_again(
    moment: str,
) -> None:
    memory = Memory()
    made = await vended(memory)
    await memory.retire().promise(made.database.id)
    memory.trouble = Fails({moment: [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await memory.retire().finish(made.database.id)

    record = await memory.only_record()
    assert (record.state, record.steps[-1].state) == (State.RETIRING, StepState.FAILED)
    await memory.retire().finish(made.database.id)
    record = await memory.only_record()
    assert (record.state, record.steps[-1].state) == (State.RETIRED, StepState.DONE)
    assert await memory.held() == set()


async def test_two_who_finish_at_once_both_succeed() -> None:
    memory = Memory(trouble=(hold := Holds("before retire")))
    made = await vended(memory)
    await memory.retire().promise(made.database.id)
    finishing = [asyncio.create_task(memory.retire().finish(made.database.id)) for _ in range(2)]
    await hold.arrival()

    hold.let_go.set()
    await asyncio.gather(*finishing)

    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()
