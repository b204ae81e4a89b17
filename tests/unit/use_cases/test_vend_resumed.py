"""A request that is repeated while the first is at work, or after it was cut off."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import (
    InFlight,
    ProviderBusy,
    RequestReused,
)
from domain.states import State
from ports.driving.vend import OnConflict, VendRequest
from ports.driving.vended import Vended
from tests.support.aftermath import assert_in_line, settle
from tests.support.doubles import Fails, Holds
from tests.support.fate import Dawdling, Fate, Killed, troubled
from tests.support.vending import Memory

SALES = VendRequest(nickname="Sales", key="once")

MOMENTS = ["before provision", "amid provision", "after provision"]


async def crashed(memory: Memory, request: VendRequest, moment: str) -> Memory:
    """The service after its process was killed at that moment of a vend."""
    memory.trouble = _DiesAt(moment)
    with pytest.raises(Killed):
        await troubled(memory, _DiesAt(moment)).memory.vend()(request)
    memory.trouble = no_trouble
    return memory.restarted()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_request_that_is_being_worked_on_is_in_flight(moment: str) -> None:
    memory = Memory(trouble=(hold := Holds(moment)))
    vending = asyncio.create_task(memory.vend()(SALES))
    await hold.arrival()

    with pytest.raises(InFlight):
        await memory.replica().vend()(SALES)

    hold.let_go.set()
    made = await vending
    assert await memory.replica().vend()(SALES) == made


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_a_crash_left_half_made_is_finished_by_the_same_request(moment: str) -> None:
    service = await crashed(Memory(), SALES, moment)

    vended = await service.vend()(SALES)

    assert service.provider.accepts(vended.connection)
    assert await service.records() == [vended.database]
    assert await service.held() == {vended.database.id}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_a_sweep_finished_is_told_to_the_same_request(moment: str) -> None:
    service = await crashed(Memory(), SALES, moment)
    await settle(service)
    record = await service.only_record()

    vended = await service.vend()(SALES)

    assert vended.database == record
    assert service.provider.accepts(vended.connection)


async def test_a_crash_does_not_hide_that_the_key_was_used_for_something_else() -> None:
    service = await crashed(Memory(), SALES, "amid provision")

    with pytest.raises(RequestReused):
        await service.vend()(replace(SALES, nickname="Another"))


async def test_what_the_same_request_finishes_may_fail_and_leaves_nothing() -> None:
    memory = Memory()
    service = await crashed(memory, SALES, "amid provision")
    memory.trouble = Fails({"before provision": [ProviderBusy()]})

    with pytest.raises(ProviderBusy):
        await service.vend()(SALES)

    assert (await service.only_record()).state is State.FAILED
    assert await memory.held() == set()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_requests_that_race_with_one_key_make_one_database(
    on_conflict: OnConflict, seed: int
) -> None:
    memory = Memory()
    process = troubled(memory, Dawdling(seed))
    request = replace(SALES, on_conflict=on_conflict)
    vends = (
        each.vend(login_check=process.login_check)(request)
        for each in (process.memory, process.memory.replica(), process.memory.replica())
    )

    outcomes = await asyncio.gather(*vends, return_exceptions=True)

    vended = [outcome for outcome in outcomes if isinstance(outcome, Vended)]
    assert vended, outcomes
    assert all(isinstance(outcome, Vended | InFlight) for outcome in outcomes), outcomes
    assert {one.database.id for one in vended} == await memory.held()
    await assert_in_line(memory)


class _DiesAt(Fate):
    """At that moment on the provider; from then on the process is no more."""

    def __init__(self, moment: str) -> None:
        super().__init__(Killed(), at=10_000, lasting=True)
        self._moment = moment

    async def __call__(self, moment: str) -> None:
        if moment == self._moment:
            self.moments = self.at
        await super().__call__(moment)
