"""The same idempotency key means the same database, whatever happened in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import (
    IllegalTransition,
    InFlight,
    InvalidRequest,
    NameTaken,
    ProviderBusy,
    RequestReused,
)
from ports.driving.vend import OnConflict, VendRequest
from tests.support.aftermath import settle
from tests.support.doubles import Fails
from tests.support.people import ANN, BOB
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales", key="once")
A_DAY = timedelta(hours=24)
OTHER_BODIES = [
    replace(SALES, nickname="sales"),
    replace(SALES, ttl=timedelta(hours=1)),
    replace(SALES, labels={"a": "b"}),
    replace(SALES, extensions=("vector",)),
    replace(SALES, on_conflict=OnConflict.REJECT),
]


async def test_the_same_request_gets_the_same_database_with_the_same_password() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)

    assert await memory.replica().vend()(SALES) == first
    assert await memory.records() == [first.database]


async def test_labels_may_come_in_any_order() -> None:
    memory = Memory()
    first = await memory.vend()(replace(SALES, labels={"a": "1", "b": "2"}))

    assert await memory.vend()(replace(SALES, labels={"b": "2", "a": "1"})) == first


async def test_without_a_key_every_request_is_a_new_one() -> None:
    memory = Memory()
    keyless = VendRequest(nickname="Sales")

    one, other = await memory.vend()(keyless), await memory.vend()(keyless)

    assert one.database.id != other.database.id


@pytest.mark.parametrize("other", OTHER_BODIES, ids=range(len(OTHER_BODIES)))
async def test_a_key_that_was_used_for_something_else_is_refused(other: VendRequest) -> None:
    memory = Memory()
    first = await memory.vend()(SALES)

    with pytest.raises(RequestReused):
        await memory.vend()(other)

    assert await memory.records() == [first.database]


async def test_another_callers_key_is_another() -> None:
    memory = Memory()

    anns = await memory.vend()(replace(SALES, caller=ANN))
    bobs = await memory.vend()(replace(SALES, caller=BOB))

    assert anns.database.id != bobs.database.id


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256])
async def test_what_is_no_key_is_refused_and_leaves_no_trace(key: str) -> None:
    memory = Memory()

    with pytest.raises(InvalidRequest):
        await memory.vend()(replace(SALES, key=key))

    assert await memory.records() == []


async def test_a_repeated_request_tells_the_password_of_the_last_rotation() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    rotated = await memory.rotate()(first.database.id)

    again = await memory.vend()(SALES)

    assert again.connection == rotated.connection
    assert memory.provider.accepts(again.connection)


async def test_a_password_that_is_being_changed_is_not_told() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(first.database.id)

    with pytest.raises(InFlight):
        await memory.vend()(SALES)


async def test_a_day_later_the_same_request_is_a_new_one() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    memory.clock.moment += A_DAY

    second = await memory.vend()(SALES)

    assert second.database.id != first.database.id
    assert await memory.vend()(SALES) == second
    assert memory.provider.accepts(first.connection)


async def test_until_then_it_is_the_same() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    memory.clock.moment += A_DAY - timedelta(microseconds=1)

    assert (await memory.vend()(SALES)).database.id == first.database.id


async def test_a_day_later_the_key_may_be_used_for_something_else() -> None:
    memory = Memory()
    await memory.vend()(SALES)
    memory.clock.moment += A_DAY

    other = await memory.vend()(replace(SALES, nickname="Another"))

    assert other.connection.database == "another"


async def test_a_clock_that_goes_back_changes_nothing() -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    memory.clock.moment -= timedelta(days=400)

    assert await memory.vend()(SALES) == first


async def test_what_failed_is_tried_anew_by_the_same_request() -> None:
    memory = Memory(trouble=Fails({"after provision": [ProviderBusy()]}))
    with pytest.raises(ProviderBusy):
        await memory.vend()(SALES)

    vended = await memory.vend()(SALES)

    assert memory.provider.accepts(vended.connection)
    assert await memory.held() == {vended.database.id}


async def test_what_failed_and_could_not_be_dropped_yet_does_not_stand_in_its_way() -> None:
    trouble = Fails({"after provision": [ProviderBusy()], "before retire": [ProviderBusy()]})
    memory = Memory(trouble=trouble)
    with pytest.raises(ProviderBusy):
        await memory.vend()(SALES)

    vended = await memory.vend()(SALES)

    await settle(memory)
    assert await memory.held() == {vended.database.id}


@pytest.mark.parametrize("is_dropped", [False, True])
async def test_what_was_deleted_is_not_made_again(is_dropped: bool) -> None:
    memory = Memory()
    first = await memory.vend()(SALES)
    await memory.retire().promise(first.database.id)
    if is_dropped:
        await memory.retire().finish(first.database.id)

    with pytest.raises(IllegalTransition, match="take a new key"):
        await memory.vend()(SALES)


async def test_what_is_over_is_not_handed_out_again() -> None:
    memory = Memory()
    request = replace(SALES, ttl=timedelta(hours=1))
    await memory.vend()(request)
    memory.clock.moment += timedelta(hours=1)

    with pytest.raises(IllegalTransition, match=r"is expired, .* take a new key"):
        await memory.vend()(request)


async def test_a_name_that_is_taken_is_refused_with_a_key_too() -> None:
    memory = Memory()
    await memory.vend()(VendRequest(nickname="Sales"))

    for _ in range(2):
        with pytest.raises(NameTaken):
            await memory.vend()(replace(SALES, on_conflict=OnConflict.REJECT))
