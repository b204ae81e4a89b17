"""The export of an expired database, before it is deleted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.provider import no_fault
from adapters.memory.registry import MemoryRegistry
from adapters.system.leases import InProcessLeases
from domain.audit import SYSTEM_CALLER
from domain.database import Database
from domain.errors import ExportFailed, PgvendError, ProviderBusy
from domain.exports import build_file_name
from domain.lifecycle import Operation, State, StepState
from ports.driven.audit_log import AuditQuery
from ports.driven.metrics import Metrics
from ports.use_cases.export_queue import ExportQueue
from tests.support.consistency import assert_consistent
from tests.support.doubles import FailAt
from tests.support.memory_service import GRACE, HOUR, MemoryService

PATIENCE = timedelta(days=7)


@pytest.fixture
def memory() -> MemoryService:
    log = MemoryAuditLog()
    return MemoryService(audit_log=log, registry=MemoryRegistry(log), exports=ExportQueue(PATIENCE))


@pytest.fixture
async def due(memory: MemoryService) -> Database:
    """A database whose export is pending, and requested."""
    database = (await memory.create(ttl=HOUR)).database
    memory.provider.contents.write(database.id, "apples")
    memory.clock.moment += HOUR
    await memory.reconcile(GRACE)()
    memory.clock.moment += GRACE
    await memory.reconcile(GRACE)()
    assert await take(memory) == database.id
    return await memory.only_record()


async def take(memory: MemoryService) -> str:
    """Return the database that waits for its export."""
    assert memory.exports
    return await asyncio.wait_for(memory.exports.take(), 1)


def has_waiting(memory: MemoryService) -> bool:
    taking = asyncio.ensure_future(take(memory))
    return not taking.cancel()


async def fail_export(memory: MemoryService, database: Database, error: PgvendError) -> Database:
    memory.fault_hook = FailAt({"before export": [error]})
    with pytest.raises(type(error)):
        await memory.export(PATIENCE)(database.id)
    return await memory.only_record()


class SlowLeases(InProcessLeases):
    """Releases each lease some time after its context has ended, as a server does."""

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        async with super().acquire(name) as is_acquired:
            try:
                yield is_acquired
            finally:
                for _ in range(10):
                    await asyncio.sleep(0)


async def test_the_lease_is_released_before_the_export_is_requested(memory: MemoryService) -> None:
    """Else the export, which begins at once, would not get it."""
    database = (await memory.create(ttl=HOUR)).database
    memory.clock.moment += HOUR
    await memory.reconcile()()
    memory.leases = SlowLeases()
    exported = asyncio.ensure_future(take_and_export(memory))

    await memory.reconcile()()

    assert (await exported, await memory.tenant_ids()) == (database.id, set())


async def take_and_export(memory: MemoryService) -> str | None:
    database = await memory.export(PATIENCE)(await take(memory))
    return database.id if database else None


async def test_an_expired_database_is_exported_and_deleted(
    memory: MemoryService, due: Database
) -> None:
    assert (due.state, due.is_pending(Operation.EXPORT)) == (State.EXPIRED, True)

    exported = await memory.export(PATIENCE)(due.id)

    assert exported == await memory.only_record()
    assert (exported.state, exported.export) == (State.DELETED, build_file_name(due))
    assert memory.exporter.files == {exported.export: ("apples",)}
    assert await memory.tenant_ids() == set()
    await assert_consistent(memory, GRACE)


async def test_the_deletion_after_an_export_is_audited_as_an_expiry(
    memory: MemoryService, due: Database
) -> None:
    await memory.export(PATIENCE)(due.id)

    events = await memory.audit_log.read(AuditQuery(subject=due.id))
    assert [(event.caller, event.action) for event in events] == [
        (SYSTEM_CALLER, "reconcile.expire"),  # its deletion
        (SYSTEM_CALLER, "reconcile.expire"),  # its suspension
    ]


async def test_the_reconciler_requests_an_export_again_until_it_is_done(
    memory: MemoryService, due: Database
) -> None:
    for _ in range(2):
        assert await memory.reconcile(GRACE)() == []
    assert await take(memory) == due.id

    await memory.export(PATIENCE)(due.id)
    assert await memory.export(PATIENCE)(due.id) is None


async def test_an_export_that_fails_keeps_the_database_and_says_so(
    memory: MemoryService, due: Database
) -> None:
    failed = await fail_export(memory, due, ExportFailed("The disk is full."))

    assert (failed.state, failed.export) == (State.EXPIRED, "")
    [step] = [step for step in failed.steps if step.name == Operation.EXPORT]
    assert step.state is StepState.FAILED
    until = memory.clock.now() + PATIENCE
    assert step.error.startswith("The disk is full.")
    assert f"from {until:%Y-%m-%d %H:%M} UTC on" in step.error
    assert await memory.tenant_ids() == {due.id}

    memory.clock.moment += HOUR
    await memory.reconcile(GRACE)()
    assert await take(memory) == due.id
    assert await memory.export(PATIENCE)(due.id)


async def test_a_database_whose_export_fails_is_deleted_when_the_patience_is_over(
    memory: MemoryService, due: Database
) -> None:
    await fail_export(memory, due, ProviderBusy())
    memory.clock.moment += PATIENCE

    await memory.reconcile(GRACE)()

    deleted = await memory.only_record()
    assert (deleted.state, deleted.export) == (State.DELETED, "")
    assert memory.exporter.files == {}


async def test_a_database_that_is_gone_needs_no_export(
    memory: MemoryService, due: Database
) -> None:
    await memory.provider.delete(due.tenant)

    deleted = await memory.export(PATIENCE)(due.id)

    assert deleted
    assert (deleted.state, deleted.export) == (State.DELETED, "")
    assert deleted.is_failed(Operation.EXPORT)


async def test_an_interrupted_export_is_repeated(memory: MemoryService, due: Database) -> None:
    hold, export = await memory.hold("before export", memory.export(PATIENCE)(due.id))
    export.cancel()
    await asyncio.gather(export, return_exceptions=True)
    assert hold.reached.is_set()
    assert (await memory.only_record()).is_failed(Operation.EXPORT)

    memory.fault_hook = no_fault
    exported = await memory.restarted().export(PATIENCE)(due.id)

    assert exported
    assert exported.state is State.DELETED


async def test_an_export_stops_when_a_caller_deletes_the_database(
    memory: MemoryService, due: Database
) -> None:
    _, export = await memory.hold("before export", memory.export(PATIENCE)(due.id))

    await memory.deletion().request(due.id)

    assert await export is None
    assert await memory.deletion().finish(due.id)
    assert memory.exporter.files == {}


@pytest.mark.parametrize("moment", ["before export", "after export"])
async def test_a_database_that_another_replica_restored_is_kept(
    memory: MemoryService, due: Database, moment: str
) -> None:
    """The replica that exports lost its lease."""
    hold, export = await memory.hold(moment, memory.export(PATIENCE)(due.id))
    replica = memory.restarted()

    await replica.restore()(due.id, HOUR)
    hold.let_go.set()

    assert await export is None
    assert (await memory.only_record()).state is State.READY
    assert memory.exporter.files == {}
    await assert_consistent(memory, GRACE)


async def test_a_file_is_removed_if_a_caller_deletes_the_database_in_the_last_moment(
    memory: MemoryService, due: Database
) -> None:
    async def delete_meanwhile(moment: str) -> None:
        if moment == "after export":
            await memory.deletion().request(due.id)

    memory.fault_hook = delete_meanwhile

    deleted = await memory.export(PATIENCE)(due.id)

    assert deleted
    assert (deleted.state, deleted.export) == (State.DELETED, "")
    assert memory.exporter.files == {}


async def test_an_export_runs_once_at_a_time(memory: MemoryService, due: Database) -> None:
    hold, export = await memory.hold("before export", memory.export(PATIENCE)(due.id))

    second = memory.replica().export(PATIENCE)(due.id)
    assert await asyncio.wait_for(second, 1) is None
    await memory.reconcile(GRACE)()
    assert not has_waiting(memory)

    hold.let_go.set()
    assert await export


class ExportMetrics(Metrics):
    """Keeps the outcomes of exports."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def count_export(self, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)


async def test_exports_are_counted_by_their_outcome(memory: MemoryService, due: Database) -> None:
    memory.metrics = metrics = ExportMetrics()
    await fail_export(memory, due, ExportFailed())
    _, export = await memory.hold("before export", memory.export(PATIENCE)(due.id))
    export.cancel()
    await asyncio.gather(export, return_exceptions=True)
    memory.fault_hook = no_fault
    await memory.export(PATIENCE)(due.id)

    assert metrics.outcomes == ["export_failed", "cancelled", "done"]


async def test_a_caller_that_deletes_a_database_gets_no_export(memory: MemoryService) -> None:
    database = (await memory.create(ttl=HOUR)).database

    deleted = await memory.delete(database.id)

    assert (deleted.state, deleted.export) == (State.DELETED, "")
    assert memory.exporter.files == {}


async def test_the_queue_holds_each_database_once_in_order() -> None:
    queue = ExportQueue(PATIENCE)
    first = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    for database_id in ("a", "b", "c", "b"):
        queue.add(database_id)

    assert [await first, await queue.take(), await queue.take()] == ["a", "b", "c"]
    another = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    assert not another.done()
    another.cancel()
