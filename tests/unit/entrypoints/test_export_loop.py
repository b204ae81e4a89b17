"""The loop that exports expired databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from adapters.memory.provider import no_fault
from domain.errors import ExportFailed
from domain.exports import build_file_name
from domain.lifecycle import State
from entrypoints.background.export_loop import ExportLoop
from ports.use_cases.export_queue import ExportQueue
from tests.support.doubles import CrashAt, FailAt
from tests.support.embedded_servers import Events
from tests.support.memory_service import GRACE, HOUR, MemoryService

PATIENCE = timedelta(days=7)


async def create_expired(memory: MemoryService) -> None:
    """Create a database that waits for its export."""
    await memory.create(ttl=HOUR)
    memory.clock.moment += HOUR + GRACE
    for _ in range(2):
        await memory.reconcile(GRACE)()


async def let_others_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def run_loop(memory: MemoryService, events: Events) -> AsyncIterator[None]:
    assert memory.exports
    loop = ExportLoop(memory.exports, memory.export(PATIENCE), events.log)
    task = asyncio.create_task(loop.run_forever())
    await let_others_run()
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_databases_that_the_reconciler_finds_are_exported() -> None:
    memory, events = MemoryService(exports=ExportQueue(PATIENCE)), Events()
    async with run_loop(memory, events):
        await create_expired(memory)
        await let_others_run()

        record = await memory.only_record()
    assert (record.state, record.export) == (State.DELETED, build_file_name(record))
    [done] = events.fields("export.done")
    assert (done["id"], done["database"], done["file"]) == (record.id, "sales", record.export)


async def test_the_loop_goes_on_after_errors() -> None:
    memory, events = MemoryService(exports=ExportQueue(PATIENCE)), Events()
    await create_expired(memory)
    for hook in (
        FailAt({"before export": [ExportFailed("The disk is full.")]}),
        CrashAt("before export", ValueError("?")),
        no_fault,
    ):
        memory.fault_hook = hook
        await memory.reconcile(GRACE)()
        async with run_loop(memory, events):
            memory.clock.moment += HOUR

    assert events.names == ["export.failed", "export.crashed", "export.done"]
    assert events.fields("export.failed")[0]["error"] == "export_failed"


async def test_without_an_exporter_the_loop_ends() -> None:
    await ExportLoop(ExportQueue(PATIENCE), None, Events().log).run_forever()
