"""Databases that are requested first and provisioned later, also after a crash."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import no_fault
from domain.database import Database
from domain.errors import IdempotencyKeyReused, InFlight, InvalidNickname, NameTaken
from domain.lifecycle import Operation, State
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import assert_consistent, settle
from tests.support.memory_faults import FaultInjection, Killed, RandomYields, create_faulty_process
from tests.support.memory_service import PROVISIONING, MemoryService

SALES = CreateRequest(nickname="Sales")
KEYED = replace(SALES, key="once")


@pytest.fixture
async def requested(memory: MemoryService) -> Database:
    return await memory.create_database().request(KEYED)


async def test_a_request_is_recorded_and_provisions_nothing(
    memory: MemoryService, requested: Database
) -> None:
    assert requested.state is State.PROVISIONING
    assert requested.is_pending(Operation.PROVISION)
    assert await memory.records() == [requested]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("request_", [SALES, KEYED], ids=["keyless", "keyed"])
async def test_a_requested_database_is_provisioned_once(
    memory: MemoryService, request_: CreateRequest
) -> None:
    requested = await memory.create_database().request(request_)

    assert await memory.create_database().finish(requested.id)

    database = await memory.only_record()
    assert database.state is State.READY
    assert memory.accepts_login(database)
    assert not await memory.create_database().finish(requested.id)
    assert await memory.only_record() == database


async def test_a_provisioned_request_returns_its_database(
    memory: MemoryService, requested: Database
) -> None:
    assert await memory.replica().create_database().request(KEYED) == requested

    provisioned = await memory.create_database()(KEYED)

    assert provisioned.database.id == requested.id
    assert memory.provider.accepts(provisioned.connection)


async def test_concurrent_requests_with_one_key_are_one(memory: MemoryService) -> None:
    requested = await asyncio.gather(
        *(memory.replica().create_database().request(KEYED) for _ in range(9))
    )
    assert len({database.id for database in requested}) == 1


async def test_an_invalid_request_is_not_recorded(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    with pytest.raises(InvalidNickname):
        await memory.create_database().request(replace(SALES, nickname="!?"))
    with pytest.raises(NameTaken):
        await memory.create_database().request(replace(SALES, on_conflict=OnConflict.REJECT))

    assert await memory.records() == [sales.database]


@pytest.mark.parametrize("request_", [SALES, KEYED], ids=["keyless", "keyed"])
@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_request_survives_its_process(
    memory: MemoryService, moment: str, request_: CreateRequest
) -> None:
    before = await memory.create_database().request(request_)
    _, making = await memory.hold(moment, memory.create_database().finish(before.id))
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    memory.fault_hook = no_fault

    await settle(memory.restarted())

    record = await memory.only_record()
    assert (record.id, record.state) == (before.id, State.READY)
    await assert_consistent(memory)


async def test_a_deleted_request_is_not_provisioned(
    memory: MemoryService, requested: Database
) -> None:
    await memory.deletion().request(requested.id)

    assert not await memory.create_database().finish(requested.id)

    await settle(memory)
    assert (await memory.only_record()).state is State.DELETED
    assert await memory.tenant_ids() == set()


async def crash_during_creation(memory: MemoryService, moment: str) -> MemoryService:
    """Return the service after its process was killed at that moment of a creation."""
    with pytest.raises(Killed):
        await create_faulty_process(memory, _DiesAt(moment)).memory.create_database()(KEYED)
    memory.fault_hook = no_fault
    return memory.restarted()


@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_request_in_progress_is_in_flight(memory: MemoryService, moment: str) -> None:
    hold, creation = await memory.hold(moment, memory.create_database()(KEYED))

    with pytest.raises(InFlight):
        await memory.replica().create_database()(KEYED)

    hold.let_go.set()
    provisioned = await creation
    assert await memory.replica().create_database()(KEYED) == provisioned


@pytest.mark.parametrize("is_reconciled", [False, True], ids=["request", "reconciler"])
@pytest.mark.parametrize("moment", PROVISIONING)
async def test_a_repeated_request_finishes_an_interrupted_database(
    memory: MemoryService, moment: str, is_reconciled: bool
) -> None:
    service = await crash_during_creation(memory, moment)
    if is_reconciled:
        await settle(service)
        assert (await service.only_record()).state is State.READY

    provisioned = await service.create_database()(KEYED)

    assert service.provider.accepts(provisioned.connection)
    assert await service.records() == [provisioned.database]
    assert await service.tenant_ids() == {provisioned.database.id}


async def test_a_crash_does_not_hide_that_the_key_was_reused(memory: MemoryService) -> None:
    service = await crash_during_creation(memory, "during provision")
    with pytest.raises(IdempotencyKeyReused):
        await service.create_database()(replace(KEYED, nickname="Another"))


async def test_a_repeated_request_that_fails_leaves_nothing(memory: MemoryService) -> None:
    service = await crash_during_creation(memory, "during provision")

    await memory.interrupt("before provision", service.create_database()(KEYED))

    assert (await service.only_record()).state is State.FAILED
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("on_conflict", OnConflict)
async def test_concurrent_requests_create_one_database(
    memory: MemoryService, on_conflict: OnConflict, seed: int
) -> None:
    process = create_faulty_process(memory, RandomYields(seed))
    request = replace(KEYED, on_conflict=on_conflict)
    creations = (
        each.create_database(login_check=process.login_check)(request)
        for each in (process.memory, process.memory.replica(), process.memory.replica())
    )

    outcomes = await asyncio.gather(*creations, return_exceptions=True)

    provisioned = [outcome for outcome in outcomes if isinstance(outcome, ProvisionedDatabase)]
    assert provisioned, outcomes
    assert all(isinstance(outcome, ProvisionedDatabase | InFlight) for outcome in outcomes), (
        outcomes
    )
    assert {one.database.id for one in provisioned} == await memory.tenant_ids()
    await assert_consistent(memory)


class _DiesAt(FaultInjection):
    """A fault hook that kills the process at that moment."""

    def __init__(self, moment: str) -> None:
        super().__init__(Killed(), at=10_000, lasting=True)
        self._moment = moment

    async def __call__(self, moment: str) -> None:
        if moment == self._moment:
            self.moments = self.at
        await super().__call__(moment)
