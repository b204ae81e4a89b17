"""Everybody has its own databases, and nobody sees another's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.memory.leases import MemoryLeases
from domain.caller import Caller
from domain.errors import DatabaseNotFound
from domain.states import State
from ports.driving.change import ChangeRequest
from ports.driving.list import ListDatabases, ListRequest
from ports.driving.show import ShowDatabase
from ports.driving.vend import VendRequest
from tests.support.people import ANN, BOB, OPERATOR
from tests.support.vending import Memory

Use = Callable[[Memory, str, Caller], Awaitable[object]]
"""Of a database, by its id, for a caller."""


async def show(memory: Memory, database_id: str, caller: Caller) -> object:
    return await ShowDatabase(registry=memory.registry)(database_id, caller)


async def connect(memory: Memory, database_id: str, caller: Caller) -> object:
    return await memory.connect()(database_id, caller)


async def watch(memory: Memory, database_id: str, caller: Caller) -> object:
    return [look async for look in memory.watch()(database_id, caller=caller)]


async def change(memory: Memory, database_id: str, caller: Caller) -> object:
    return await memory.change()(database_id, ChangeRequest(labels={"a": "b"}), caller)


async def rotate(memory: Memory, database_id: str, caller: Caller) -> object:
    return await memory.rotate()(database_id, caller)


async def restore(memory: Memory, database_id: str, caller: Caller) -> object:
    return await memory.restore()(database_id, None, caller)


async def retire(memory: Memory, database_id: str, caller: Caller) -> object:
    return await memory.retire().promise(database_id, caller)


USES: list[Use] = [show, connect, watch, change, rotate, restore, retire]

each = pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)


async def anns(memory: Memory, state: State = State.READY) -> str:
    made = await memory.vend()(VendRequest(nickname="Sales", caller=ANN))
    if state is State.EXPIRED:
        await memory.registry.update(made.database.moved(state))
    return made.database.id


class NotToBeHeld(MemoryLeases):
    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        raise AssertionError(f"somebody holds {name}")
        yield False


@each
@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
async def test_somebody_elses_database_is_not_found_and_not_touched(use: Use, state: State) -> None:
    memory = Memory()
    database_id = await anns(memory, state)
    before = await memory.only_record()

    with pytest.raises(DatabaseNotFound):
        await use(memory, database_id, BOB)

    assert await memory.only_record() == before


@each
async def test_somebody_elses_database_is_not_found_while_somebody_works_on_it(use: Use) -> None:
    memory = Memory()
    database_id = await anns(memory)

    async with memory.leases.held(database_id):
        with pytest.raises(DatabaseNotFound):
            await use(memory, database_id, BOB)


@each
async def test_it_looks_like_one_that_never_was(use: Use) -> None:
    memory = Memory()
    database_id = await anns(memory)
    unknown = database_id[:-1] + ("0" if database_id[-1] != "0" else "1")

    with pytest.raises(DatabaseNotFound) as theirs:
        await use(memory, database_id, BOB)
    with pytest.raises(DatabaseNotFound) as nobodys:
        await use(memory, unknown, BOB)

    assert str(theirs.value).replace(database_id, unknown) == str(nobodys.value)


@each
async def test_ones_own_is_found(use: Use) -> None:
    memory = Memory()
    database_id = await anns(memory, State.EXPIRED if use is restore else State.READY)

    await use(memory, database_id, ANN)


@pytest.mark.parametrize("use", [rotate, restore], ids=lambda use: use.__name__)
async def test_nobody_holds_the_lease_of_somebody_elses_database(use: Use) -> None:
    """Who did could keep others from it by asking again and again."""
    memory = Memory()
    database_id = await anns(memory, State.EXPIRED if use is restore else State.READY)
    memory.leases = NotToBeHeld()

    with pytest.raises(DatabaseNotFound):
        await use(memory, database_id, BOB)


async def test_a_list_holds_ones_own_only() -> None:
    memory = Memory()
    database_id = await anns(memory)
    await memory.vend()(VendRequest(nickname="Stock", caller=BOB))

    page = await ListDatabases(registry=memory.registry)(ListRequest(), ANN)

    assert [database.id for database in page.databases] == [database_id]


@each
async def test_an_admin_finds_everybodys(use: Use) -> None:
    memory = Memory()
    database_id = await anns(memory, State.EXPIRED if use is restore else State.READY)

    await use(memory, database_id, OPERATOR)


async def test_an_admins_list_holds_everybodys() -> None:
    memory = Memory()
    await anns(memory)
    await memory.vend()(VendRequest(nickname="Stock", caller=BOB))

    page = await ListDatabases(registry=memory.registry)(ListRequest(), OPERATOR)

    assert {database.caller for database in page.databases} == {"ann", "bob"}
