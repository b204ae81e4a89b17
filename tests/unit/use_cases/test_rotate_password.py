"""Rotation of the password, and the end of sessions on request."""

import asyncio
from dataclasses import replace

import pytest

from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.errors import DatabaseNotFound, IllegalTransition, PgvendError, ProviderBusy
from domain.lifecycle import DUE_NOW, Operation, State, StepState
from domain.provisioning import ProvisionRequest
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import settle
from tests.support.doubles import CrashAt
from tests.support.memory_service import GRACE, HOUR, ROTATING, MemoryService

each_moment = pytest.mark.parametrize("moment", ROTATING)


async def test_a_rotation_replaces_the_password(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    rotated = await memory.rotate()(sales.database.id)

    assert memory.provider.accepts(rotated.connection)
    assert not memory.provider.accepts(sales.connection)
    assert replace(rotated.connection, password=sales.connection.password) == sales.connection
    last = rotated.database.steps[-1]
    assert (rotated.database.state, last.name, last.state) == ("ready", "rotate", "done")
    assert await memory.only_record() == rotated.database


@pytest.mark.parametrize(
    "error", [ValueError("hunter2"), OSError("hunter2"), asyncio.CancelledError("hunter2")]
)
async def test_a_foreign_error_is_recorded_without_its_text(
    memory: MemoryService, sales: ProvisionedDatabase, error: BaseException
) -> None:
    memory.fault_hook = CrashAt("before rotate", error)

    with pytest.raises(type(error)):
        await memory.rotate()(sales.database.id)

    record = await memory.only_record()
    assert record.is_failed(Operation.ROTATE)
    assert record.steps[-1].error
    assert "hunter2" not in repr(record)


async def test_a_rotation_that_fails_after_a_deletion_does_not_delay_it(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    async def delete_meanwhile(moment: str) -> None:
        if moment == "before rotate":
            await memory.deletion().request(sales.database.id)
            raise ProviderBusy

    memory.fault_hook = delete_meanwhile
    with pytest.raises(PgvendError):
        await memory.rotate()(sales.database.id)

    record = await memory.only_record()
    assert record.wake_at == DUE_NOW
    assert not record.is_failed(Operation.ROTATE)


async def test_a_rotation_reports_a_deletion_meanwhile(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    """The lease may end with the server that stores it."""
    hold, rotating = await memory.hold("before rotate", memory.rotate()(sales.database.id))

    await memory.deletion().request(sales.database.id)
    await memory.provider.delete(sales.database.tenant)
    hold.let_go.set()

    with pytest.raises(IllegalTransition, match="is deleting"):
        await rotating


async def test_a_database_missing_on_the_provider_is_not_found(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.provider.delete(sales.database.tenant)
    with pytest.raises(DatabaseNotFound):
        await memory.rotate()(sales.database.id)


@each_moment
async def test_a_rotation_reveals_nothing_of_a_database_that_expires_meanwhile(
    memory: MemoryService, hourly: ProvisionedDatabase, moment: str
) -> None:
    hold, rotating = await memory.hold(moment, memory.rotate()(hourly.database.id))

    memory.clock.moment += HOUR
    hold.let_go.set()

    with pytest.raises(IllegalTransition, match="is expired"):
        await rotating


class Attentive(MemoryProvider):
    """Records which rotations ended sessions."""

    received: tuple[bool, ...] = ()

    async def rotate(
        self, provision_request: ProvisionRequest, *, end_sessions: bool = False
    ) -> Connection:
        self.received += (end_sessions,)
        return await super().rotate(provision_request, end_sessions=end_sessions)


@pytest.fixture
def provider(memory: MemoryService) -> Attentive:
    memory.provider = Attentive(fault_hook=memory._fault_hook)
    return memory.provider


@pytest.mark.parametrize("end_sessions", [False, True])
async def test_sessions_end_on_request(
    memory: MemoryService, provider: Attentive, sales: ProvisionedDatabase, end_sessions: bool
) -> None:
    rotated = await memory.rotate()(sales.database.id, end_sessions=end_sessions)

    assert (rotated.sessions_ended, provider.received) == (end_sessions, (end_sessions,))
    states = {step.name: step.state for step in rotated.database.steps}
    assert states.get("end_sessions") == (StepState.DONE if end_sessions else None)
    assert states["rotate"] is StepState.DONE
    assert rotated.database.is_idle


@pytest.mark.parametrize("moment", ROTATING)
@pytest.mark.parametrize("finish", ["rotate", "reconcile"])
async def test_finishing_a_rotation_ends_the_sessions_too(
    memory: MemoryService, provider: Attentive, sales: ProvisionedDatabase, moment: str, finish: str
) -> None:
    await memory.interrupt(moment, memory.rotate()(sales.database.id, end_sessions=True))

    if finish == "rotate":
        assert (await memory.rotate()(sales.database.id)).sessions_ended
    else:
        await settle(memory)

    assert provider.received == (True, True)
    assert (await memory.only_record()).is_idle
    assert not (await memory.rotate()(sales.database.id)).sessions_ended


async def test_a_pending_rotation_can_be_repeated_with_end_sessions(
    memory: MemoryService, sales: ProvisionedDatabase
) -> None:
    await memory.interrupt("before rotate", memory.rotate()(sales.database.id))

    rotated = await memory.rotate()(sales.database.id, end_sessions=True)

    assert (rotated.sessions_ended, rotated.database.rotation) == (True, 1)


async def test_a_restoration_completes_a_pending_end_of_sessions(
    memory: MemoryService, hourly: ProvisionedDatabase
) -> None:
    await memory.interrupt("before rotate", memory.rotate()(hourly.database.id, end_sessions=True))
    memory.clock.moment += HOUR
    await memory.expire(GRACE).finish(hourly.database.id)

    restored = await memory.restore()(hourly.database.id)

    assert (restored.database.state, restored.database.is_idle) == (State.READY, True)
    assert not (await memory.rotate()(hourly.database.id)).sessions_ended
