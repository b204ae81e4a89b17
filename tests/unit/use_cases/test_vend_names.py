"""What a vend does when the plain name is not to be had."""

import re
from itertools import cycle

import pytest

from domain.errors import NameTaken
from domain.states import State
from ports.driving.vend import OnConflict, VendRequest
from tests.support.randomness import SeededRandomness
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales")
SALES_OR_NOTHING = VendRequest(nickname="Sales", on_conflict=OnConflict.REJECT)
SUFFIXED = re.compile(r"sales-[a-z0-9]{6}")


class LittleChance(SeededRandomness):
    """Suffixes of one character over and over; of as many characters as it is given."""

    def __init__(self, characters: str) -> None:
        super().__init__()
        self._characters = cycle(characters)

    def suffix(self, alphabet: str, length: int) -> str:
        return next(self._characters) * length


async def test_a_name_that_another_record_has_gets_a_suffix() -> None:
    memory = Memory()
    await memory.vend()(SALES)

    vended = await memory.vend()(SALES)

    assert SUFFIXED.fullmatch(vended.connection.database)
    assert memory.provider.accepts(vended.connection)


async def test_a_name_that_a_stranger_has_on_the_provider_gets_a_suffix() -> None:
    memory = Memory()
    await memory.occupy("Sales")

    vended = await memory.vend()(SALES)

    assert SUFFIXED.fullmatch(vended.connection.database)
    assert await memory.held() == {"stranger", vended.database.id}
    assert (await memory.only_record()).names == vended.database.names


async def test_a_name_that_is_taken_meanwhile_gets_a_suffix() -> None:
    """The stranger comes between the making of the role and that of the database."""
    memory = Memory()

    async def stranger_comes(moment: str) -> None:
        if moment == "amid provision" and "sales" not in memory.provider._databases:
            memory.provider._databases["sales"] = "stranger"

    memory.trouble = stranger_comes
    vended = await memory.vend()(SALES)

    assert SUFFIXED.fullmatch(vended.connection.database)
    assert await memory.held() == {vended.database.id}


async def test_who_wants_that_name_or_none_is_told_that_a_record_has_it() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)

    with pytest.raises(NameTaken, match="'sales' is reserved or in use"):
        await memory.vend()(SALES_OR_NOTHING)

    assert await memory.records() == [first.database]
    assert await memory.held() == {first.database.id}


async def test_who_wants_that_name_or_none_is_told_that_the_provider_has_it() -> None:
    memory = Memory()
    await memory.occupy("Sales")

    with pytest.raises(NameTaken):
        await memory.vend()(SALES_OR_NOTHING)

    assert await memory.held() == {"stranger"}
    assert (await memory.only_record()).state is State.FAILED


async def test_a_free_name_is_given_to_who_wants_that_or_none() -> None:
    vended = await Memory().vend()(SALES_OR_NOTHING)

    assert vended.connection.database == "sales"


@pytest.mark.parametrize("nickname", ["postgres", " Template1 ", "NEONDB", "replication"])
async def test_a_reserved_name_gets_a_suffix_at_once(nickname: str) -> None:
    vended = await Memory().vend()(VendRequest(nickname=nickname))

    assert re.fullmatch(r"[a-z0-9]+-[a-z0-9]{6}", vended.connection.database)


async def test_a_reserved_name_is_refused_to_who_wants_that_or_none() -> None:
    memory = Memory()

    with pytest.raises(NameTaken, match="'postgres' is reserved"):
        await memory.vend()(VendRequest(nickname="postgres", on_conflict=OnConflict.REJECT))

    assert await memory.records() == []
    assert await memory.held() == set()


async def test_the_name_of_a_retired_database_is_free_again() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    await memory.retire().promise(first.database.id)
    await memory.retire().finish(first.database.id)

    again = await memory.vend()(SALES_OR_NOTHING)

    assert again.connection.database == "sales"
    assert again.connection.password != first.connection.password


async def test_the_name_of_a_database_that_is_being_dropped_is_not_free() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    await memory.retire().promise(first.database.id)

    with pytest.raises(NameTaken):
        await memory.vend()(SALES_OR_NOTHING)


async def test_a_suffix_that_is_taken_too_is_followed_by_another() -> None:
    memory = Memory(randomness=LittleChance("aab"))
    vend = memory.vend()

    names = [(await vend(SALES)).connection.database for _ in range(3)]

    assert names == ["sales", "sales-aaaaaa", "sales-bbbbbb"]


async def test_bad_luck_without_end_ends() -> None:
    memory = Memory(randomness=LittleChance("a"))
    first, second = await memory.vend()(SALES), await memory.vend()(SALES)

    with pytest.raises(NameTaken):
        await memory.vend()(SALES)

    assert await memory.held() == {first.database.id, second.database.id}
