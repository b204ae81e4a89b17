"""A database that is promised first and made afterwards; and one that nobody can come back for."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import (
    InvalidNickname,
    NameTaken,
    ProviderBusy,
    RequestReused,
)
from domain.states import State
from domain.steps import Work
from ports.driving.vend import OnConflict, VendRequest
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails, Holds
from tests.support.fate import Fate, Killed, troubled
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales")
KEYED = replace(SALES, key="once")

MOMENTS = ["before provision", "amid provision", "after provision"]


async def test_a_promise_is_recorded_and_nothing_is_made_yet() -> None:
    memory = Memory()

    promised = await memory.vend().promise(SALES)

    assert promised.state is State.PROVISIONING
    assert promised.is_pending(Work.PROVISION)
    assert await memory.records() == [promised]
    assert await memory.held() == set()


async def test_what_was_promised_is_made() -> None:
    memory = Memory()
    promised = await memory.vend().promise(SALES)

    assert await memory.vend().finish(promised.id)

    record = await memory.only_record()
    assert record.state is State.READY
    assert memory.lets_in(record)


async def test_what_is_made_is_not_made_again() -> None:
    memory = Memory()
    promised = await memory.vend().promise(SALES)
    await memory.vend().finish(promised.id)
    made = await memory.only_record()

    assert not await memory.vend().finish(promised.id)
    assert await memory.only_record() == made


async def test_a_promise_with_a_key_is_given_once() -> None:
    memory = Memory()
    promised = await memory.vend().promise(KEYED)

    assert await memory.replica().vend().promise(KEYED) == promised
    with pytest.raises(RequestReused):
        await memory.vend().promise(replace(KEYED, nickname="Another"))


async def test_a_promise_of_what_was_made_is_that_database() -> None:
    memory = Memory()
    made = await memory.vend()(KEYED)

    assert await memory.vend().promise(KEYED) == made.database


async def test_what_was_promised_is_handed_out_to_the_same_request() -> None:
    memory = Memory()
    promised = await memory.vend().promise(KEYED)

    vended = await memory.vend()(KEYED)

    assert vended.database.id == promised.id
    assert memory.provider.accepts(vended.connection)


async def test_promises_that_race_with_one_key_are_one() -> None:
    memory = Memory()

    promised = await asyncio.gather(*(memory.replica().vend().promise(KEYED) for _ in range(9)))

    assert len({database.id for database in promised}) == 1


async def test_nothing_is_promised_that_cannot_be_asked_for() -> None:
    memory = Memory()
    await memory.vend()(SALES)

    with pytest.raises(InvalidNickname):
        await memory.vend().promise(VendRequest(nickname="!?"))
    with pytest.raises(NameTaken):
        await memory.vend().promise(replace(SALES, on_conflict=OnConflict.REJECT))

    assert len(await memory.records()) == 1


async def test_of_two_who_make_what_was_promised_one_does() -> None:
    memory = Memory(trouble=(hold := Holds("amid provision")))
    promised = await memory.vend().promise(SALES)
    making = asyncio.create_task(memory.vend().finish(promised.id))
    await hold.arrival()

    assert not await memory.replica().vend().finish(promised.id)

    hold.let_go.set()
    assert await making


async def test_a_promise_that_cannot_be_kept_is_recorded_as_failed_with_the_reason() -> None:
    memory = Memory(trouble=Fails({"amid provision": [ProviderBusy("Not now.")]}))
    promised = await memory.vend().promise(SALES)

    with pytest.raises(ProviderBusy):
        await memory.vend().finish(promised.id)

    record = await memory.only_record()
    assert (record.state, record.steps[0].error) == (State.FAILED, "Not now.")
    assert await memory.held() == set()


@pytest.mark.parametrize("request_", [SALES, KEYED], ids=["async", "async-with-key"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_promise_outlives_its_process(moment: str, request_: VendRequest) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    promised = await memory.vend().promise(request_)
    making = asyncio.create_task(memory.vend().finish(promised.id))
    await hold.arrival()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    memory.trouble = no_trouble

    await settle(memory.restarted())

    record = await memory.only_record()
    assert (record.id, record.state) == (promised.id, State.READY)
    await assert_in_line(memory)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_vend_with_a_key_that_is_cancelled_is_made_all_the_same(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    vending = asyncio.create_task(memory.vend()(KEYED))
    await hold.arrival()
    vending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await vending
    memory.trouble = no_trouble

    await settle(memory.restarted())

    assert (await memory.only_record()).state is State.READY


@pytest.mark.parametrize("at", range(1, 9))
async def test_what_nobody_can_come_back_for_is_undone(at: int) -> None:
    """Its process was killed before it could answer, and its caller has no key to ask with."""
    memory = Memory()
    with pytest.raises(Killed):
        await troubled(memory, Fate(Killed(), at, lasting=True)).memory.vend()(SALES)
    memory.trouble = no_trouble

    await settle(memory.restarted())

    assert all(record.state is State.FAILED for record in await memory.records())
    assert await memory.held() == set()


async def test_what_was_deleted_before_it_was_made_is_not_made() -> None:
    memory = Memory()
    promised = await memory.vend().promise(SALES)
    await memory.retire().promise(promised.id)

    assert not await memory.vend().finish(promised.id)

    await settle(memory)
    assert (await memory.only_record()).state is State.RETIRED
    assert await memory.held() == set()
