"""Interrupted creations: cancelled, deleted meanwhile, or without their lease."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

from domain.connection import Connection
from domain.errors import PgvendError, ProviderRejected, StaleRecord, Unavailable
from domain.lifecycle import State
from ports.driven.login_check import LoginCheck
from ports.use_cases.create_request import CreateRequest
from tests.support.doubles import FailAt, HoldAt, RefusingLoginCheck, yield_to_others
from tests.support.memory_service import DELETING, PROVISIONING, MemoryService

KEYLESS = CreateRequest(nickname="Sales")
KEYED = CreateRequest(nickname="Sales", key="once")

each_moment = pytest.mark.parametrize("moment", PROVISIONING)


async def assert_left(memory: MemoryService, state: State) -> None:
    """Check that only a record in that state is left."""
    assert (await memory.only_record()).state is state
    assert await memory.tenant_ids() == set()


@each_moment
@pytest.mark.parametrize("undo", DELETING)
async def test_a_second_cancellation_during_the_undo_leaves_nothing(
    memory: MemoryService, moment: str, undo: str
) -> None:
    _, creation = await memory.hold(moment, memory.create())
    memory.fault_hook = second = HoldAt(undo)
    creation.cancel()
    await second.wait_until_held()

    creation.cancel()
    await asyncio.sleep(0)
    creation.cancel()
    second.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await creation
    await assert_left(memory, State.FAILED)


@pytest.mark.parametrize("undo", DELETING)
async def test_a_cancellation_during_an_undo_is_raised(memory: MemoryService, undo: str) -> None:
    create_database = memory.create_database(login_check=RefusingLoginCheck(PgvendError()))
    hold, creation = await memory.hold(undo, create_database(KEYLESS))

    creation.cancel()
    hold.let_go.set()

    with pytest.raises(asyncio.CancelledError):
        await creation
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("turns", range(25))
async def test_a_cancelled_request_leaves_a_ready_database_or_none(
    memory: MemoryService, turns: int
) -> None:
    memory.fault_hook = yield_to_others
    creation = asyncio.create_task(memory.create())
    for _ in range(turns):
        await asyncio.sleep(0)

    creation.cancel()

    with suppress(asyncio.CancelledError):
        await creation
    outcomes = [(record.id, record.state) for record in await memory.records()]
    assert outcomes == [(acquire, State.READY) for acquire in await memory.tenant_ids()] or (
        [state for _, state in outcomes] == [State.FAILED] and not await memory.tenant_ids()
    )
    assert turns or not outcomes, "it was cancelled before it started"


@each_moment
@pytest.mark.parametrize("is_done", [False, True], ids=["requested", "done"])
async def test_a_deletion_during_provisioning_wins(
    memory: MemoryService, moment: str, is_done: bool
) -> None:
    """A finished deletion had the lease: no task would find later parts soon."""
    hold, creation = await memory.hold(moment, memory.create())
    record = await memory.only_record()

    await memory.deletion().request(record.id)
    if is_done:
        assert await memory.restarted().deletion().finish(record.id)
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await creation
    await assert_left(memory, State.DELETED)


async def test_a_deletion_during_provisioning_stays_pending_if_the_undo_fails(
    memory: MemoryService,
) -> None:
    hold, creation = await memory.hold("after provision", memory.create())
    memory.fault_hook = FailAt({"before delete": [PgvendError()]})

    await memory.deletion().request((await memory.only_record()).id)
    hold.let_go.set()

    with pytest.raises(StaleRecord):
        await creation
    assert (await memory.only_record()).state is State.DELETING


@dataclass
class DroppedMeanwhile(LoginCheck):
    memory: MemoryService

    async def verify(self, connection: Connection) -> None:
        await self.memory.restarted().reconcile()()
        raise ProviderRejected


async def test_a_login_refused_because_of_an_undo_is_not_an_error_of_its_own(
    memory: MemoryService,
) -> None:
    with pytest.raises(Unavailable):
        await memory.create_database(login_check=DroppedMeanwhile(memory))(KEYLESS)
    await assert_left(memory, State.FAILED)
