"""Databases that are requested first and provisioned later, also after a crash."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import no_trouble
from domain.database import Database
from domain.errors import InFlight, InvalidNickname, NameTaken, RequestReused
from domain.lifecycle import Work
from domain.states import State
from ports.use_cases.create_database import OnConflict, VendRequest
from ports.use_cases.provisioned_database import Vended
from tests.support.consistency import assert_in_line, settle
from tests.support.memory_faults import Dawdling, Fate, Killed, troubled
from tests.support.memory_service import PROVISIONING, Memory

SALES = VendRequest(nickname="Sales")
KEYED = replace(SALES, key="once")


@pytest.fixture
async def promised(memory: Memory) -> Database:
    return await memory.vend().request(KEYED)


async def test_a_request_is_recorded_and_provisions_nothing(
    memory: Memory, promised: Database
) -> None:
    assert promised.state is State.PROVISIONING
    assert promised.is_pending(Work.PROVISION)
    assert await memory.records() == [promised]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("request_", [SALES, KEYED], ids=["keyless", "keyed"])
async def test_a_requested_database_is_provisioned_once(
    memory: Memory, request_: VendRequest
) -> None:
    promised = await memory.vend().request(request_)

    assert await memory.vend().finish(promised.id)

    made = await memory.only_record()
    assert made.state is State.READY
    assert memory.lets_in(made)
    assert not await memory.vend().finish(promised.id)
    assert await memory.only_record() == made


async def test_a_provisioned_request_returns_its_database(
    memory: Memory, promised: Database
) -> None:
    assert await memory.replica().vend().request(KEYED) == promised

    vended = await memory.vend()(KEYED)

    assert vended.database.id == promised.id
    assert memory.provider.accepts(vended.connection)


async def test_concurrent_requests_with_one_key_are_one(memory: Memory) -> None:
    promised = await asyncio.gather(*(memory.replica().vend().request(KEYED) for _ in range(9)))
    assert len({database.id for database in promised}) == 1


async def test_an_invalid_request_is_not_recorded(memory: Memory, sales: Vended) -> None:
    with pytest.raises(InvalidNickname):
        await memory.vend().request(replace(SALES, nickname="!?"))
    with pytest.raises(NameTaken):
        await memory.vend().request(replace(SALES, on_conflict=OnConflict.REJECT))

    assert await memory.records() == [sales.database]


@pytest.mark.parametrize("request_", [SALES, KEYED], ids=["keyless", "keyed"])
@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_request_survives_its_process(
    memory: Memory, moment: str, request_: VendRequest
) -> None:
    before = await memory.vend().request(request_)
    _, making = await memory.hold(moment, memory.vend().finish(before.id))
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    memory.trouble = no_trouble

    await settle(memory.restarted())

    record = await memory.only_record()
    assert (record.id, record.state) == (before.id, State.READY)
    await assert_in_line(memory)


async def test_a_deleted_request_is_not_provisioned(memory: Memory, promised: Database) -> None:
    await memory.deletion().request(promised.id)

    assert not await memory.vend().finish(promised.id)

    await settle(memory)
    assert (await memory.only_record()).state is State.DELETED
    assert await memory.tenant_ids() == set()


async def crashed(memory: Memory, moment: str) -> Memory:
    """Return the service after its process was killed at that moment of a creation."""
    with pytest.raises(Killed):
        await troubled(memory, _DiesAt(moment)).memory.vend()(KEYED)
    memory.trouble = no_trouble
    return memory.restarted()


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_request_in_progress_is_in_flight(memory: Memory, moment: str) -> None:
    hold, vending = await memory.hold(moment, memory.vend()(KEYED))

    with pytest.raises(InFlight):
        await memory.replica().vend()(KEYED)

    hold.let_go.set()
    made = await vending
    assert await memory.replica().vend()(KEYED) == made


@pytest.mark.parametrize("is_swept", [False, True], ids=["request", "sweep"])
@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_repeated_request_finishes_an_interrupted_database(
    memory: Memory, moment: str, is_swept: bool
) -> None:
    service = await crashed(memory, moment)
    if is_swept:
        await settle(service)
        assert (await service.only_record()).state is State.READY

    vended = await service.vend()(KEYED)

    assert service.provider.accepts(vended.connection)
    assert await service.records() == [vended.database]
    assert await service.tenant_ids() == {vended.database.id}


async def test_a_crash_does_not_hide_that_the_key_was_reused(memory: Memory) -> None:
    service = await crashed(memory, "amid provision")
    with pytest.raises(RequestReused):
        await service.vend()(replace(KEYED, nickname="Another"))


async def test_a_repeated_request_that_fails_leaves_nothing(memory: Memory) -> None:
    service = await crashed(memory, "amid provision")

    await memory.interrupt("before provision", service.vend()(KEYED))

    assert (await service.only_record()).state is State.FAILED
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_concurrent_requests_create_one_database(
    memory: Memory, on_conflict: OnConflict, seed: int
) -> None:
    process = troubled(memory, Dawdling(seed))
    request = replace(KEYED, on_conflict=on_conflict)
    vends = (
        each.vend(login_check=process.login_check)(request)
        for each in (process.memory, process.memory.replica(), process.memory.replica())
    )

    outcomes = await asyncio.gather(*vends, return_exceptions=True)

    vended = [outcome for outcome in outcomes if isinstance(outcome, Vended)]
    assert vended, outcomes
    assert all(isinstance(outcome, Vended | InFlight) for outcome in outcomes), outcomes
    assert {one.database.id for one in vended} == await memory.tenant_ids()
    await assert_in_line(memory)


class _DiesAt(Fate):
    """A fault hook that kills the process at that moment."""

    def __init__(self, moment: str) -> None:
        super().__init__(Killed(), at=10_000, lasting=True)
        self._moment = moment

    async def __call__(self, moment: str) -> None:
        if moment == self._moment:
            self.moments = self.at
        await super().__call__(moment)
