"""Handles: ids, names of databases and nicknames, level by level."""

from dataclasses import replace

import pytest

from domain.callers import Caller
from domain.database import Database
from domain.errors import AmbiguousName, DatabaseNotFound
from domain.lifecycle import INTERNAL, LISTED, State
from domain.names import Nickname
from ports.use_cases.find_database import FindDatabase
from tests.support.memory_service import MemoryService
from tests.support.people import ANN, BOB, OPERATOR
from tests.support.records import ELSEWHERE, new_record


@pytest.fixture
def find(memory: MemoryService) -> FindDatabase:
    return FindDatabase(registry=memory.registry)


async def add(
    memory: MemoryService,
    nickname: str,
    suffix: str = "",
    caller: Caller = ANN,
    state: State = State.READY,
) -> Database:
    names = Nickname(nickname).derive_names(suffix)
    record = replace(new_record(nickname, state=state), names=names, caller=caller.name)
    return await memory.registry.add(record)


async def assert_not_found(find: FindDatabase, handle: str, caller: Caller) -> None:
    with pytest.raises(DatabaseNotFound, match="There is no database"):
        await find(handle, caller)


@pytest.mark.parametrize("state", sorted(LISTED))
async def test_a_database_is_found_by_its_id_its_name_and_its_nickname(
    memory: MemoryService, find: FindDatabase, state: State
) -> None:
    database = await add(memory, "Web Shop", "x1", state=state)

    for handle in (database.id, "webshop_x1", "Web Shop"):
        assert await find(handle, ANN) == database
        assert await find.find_id(handle, ANN) == database.id
    for handle in ("webshop", "web shop", "Web Sho", "Webshop_x1", "user_webshop_x1", "", "\0"):
        await assert_not_found(find, handle, ANN)


async def test_a_database_that_is_gone_is_found_by_its_id_alone(
    memory: MemoryService, find: FindDatabase
) -> None:
    for state in (State.DELETED, State.FAILED):
        database = await add(memory, "Gone", state=state)
        assert await find(database.id, ANN) == database
    for handle in ("Gone", "gone"):
        await assert_not_found(find, handle, ANN)


async def test_the_name_of_one_database_comes_before_the_nickname_of_another(
    memory: MemoryService, find: FindDatabase
) -> None:
    named = await add(memory, "Shop", "")
    nicknamed = await add(memory, "shop", "x1")

    assert await find("shop", ANN) == named
    assert await find("Shop", ANN) == named
    assert await find("shop_x1", ANN) == nicknamed


async def test_a_nickname_of_several_databases_is_refused_with_their_ids(
    memory: MemoryService, find: FindDatabase
) -> None:
    databases = [await add(memory, "Shop", suffix) for suffix in ("", "x1")]

    with pytest.raises(AmbiguousName) as refused:
        await find("Shop", ANN)

    for database in databases:
        assert database.id in str(refused.value)
        assert await find(database.names.database, ANN) == database


async def test_a_name_on_several_targets_is_refused(
    memory: MemoryService, find: FindDatabase
) -> None:
    database = await add(memory, "Shop")
    await memory.registry.add(replace(new_record("Shop", target=ELSEWHERE), caller=ANN.name))

    with pytest.raises(AmbiguousName):
        await find(database.names.database, ANN)


async def test_a_database_that_is_being_deleted_gives_way_to_one_that_stays(
    memory: MemoryService, find: FindDatabase
) -> None:
    """Deleted and created again under the same nickname, it gets a suffix for a while."""
    former = await add(memory, "shop", state=State.DELETING)
    assert await find("shop", ANN) == former

    current = await add(memory, "shop", "x1")

    assert await find("shop", ANN) == current
    assert await find("shop_x1", ANN) == current


async def test_the_databases_of_other_callers_are_not_found(
    memory: MemoryService, find: FindDatabase
) -> None:
    anns, bobs = await add(memory, "Shop"), await add(memory, "Shop", "x1", BOB)

    assert await find("Shop", ANN) == anns
    assert await find("Shop", BOB) == bobs
    for handle in (anns.id, "shop"):
        await assert_not_found(find, handle, BOB)


async def test_a_caller_who_sees_all_finds_its_own_databases_first(
    memory: MemoryService, find: FindDatabase
) -> None:
    anns = await add(memory, "Shop")
    assert await find("Shop", OPERATOR) == await find("shop", OPERATOR) == anns

    bobs = await add(memory, "Shop", "x1", BOB)
    assert await find(bobs.id, OPERATOR) == bobs
    with pytest.raises(AmbiguousName):
        await find("Shop", OPERATOR)

    own = await add(memory, "Shop", "x2", OPERATOR, State.DELETING)
    assert await find("Shop", OPERATOR) == own
    assert await find("shop", OPERATOR) == anns


async def test_spares_and_templates_are_not_databases(
    memory: MemoryService, find: FindDatabase
) -> None:
    for number, state in enumerate(sorted(INTERNAL | {State.DELETING})):
        record = replace(new_record(f"Hidden {number}", state=state), shape="x", caller=ANN.name)
        await memory.registry.add(record)
        for handle in (record.id, record.nickname.text, record.names.database):
            await assert_not_found(find, handle, ANN)
            await assert_not_found(find, handle, OPERATOR)


async def test_a_nickname_with_the_form_of_an_id_stands_for_no_database(
    memory: MemoryService, find: FindDatabase
) -> None:
    """Otherwise a caller could give a database the id of another one."""
    other = new_record().id
    await add(memory, other, "x1")

    await assert_not_found(find, other, ANN)
    assert await find.find_id(other, ANN) == other
