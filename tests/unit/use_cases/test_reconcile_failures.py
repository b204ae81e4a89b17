"""Failures and cancellation of the reconciler: reported, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.system.leases import InProcessLeases
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.lifecycle import FIRST_PAUSE
from domain.reconciliation import ReconcileAction
from ports.driven.cancellation import run_to_completion
from ports.use_cases.reconcile import DONE
from tests.support.consistency import reconcile_once, settle
from tests.support.doubles import CrashAt, FailAt
from tests.support.drift_scenarios import request_deletion, summarize
from tests.support.memory_faults import FaultInjection, create_faulty_process
from tests.support.memory_service import MemoryService
from tests.support.polling import wait_without_delay
from tests.support.queueing import run_until_idle


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
async def test_a_failing_task_is_reported_and_retried_after_a_pause(
    memory: MemoryService, error: type[ProviderBusy] | type[ProviderRejected]
) -> None:
    await request_deletion(memory)
    memory.fault_hook = FailAt({"before delete": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await reconcile_once(memory)] == [
        (error.code, "No.")
    ]
    assert await reconcile_once(memory) == [], "it did not pause"
    memory.clock.moment += FIRST_PAUSE

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE, DONE)]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("error", [ProviderBusy("It is busy."), ValueError("a secret")])
async def test_a_failing_task_does_not_stop_the_others(
    memory: MemoryService, error: Exception
) -> None:
    for number in range(9):
        await request_deletion(memory, f"Sales {number}")
    memory.fault_hook = CrashAt("before delete", error)

    results = await reconcile_once(memory)

    [failed] = [result for result in results if result.outcome != DONE]
    assert len(results) == 9
    is_ours = isinstance(error, ProviderBusy)
    assert (failed.outcome, failed.detail, failed.crash) == (
        ("provider_busy", "It is busy.", None)
        if is_ours
        else ("internal_error", "ValueError", error)
    )
    assert len(await memory.tenant_ids()) == 1
    await settle(memory)
    assert await memory.tenant_ids() == set()


async def test_a_dry_run_reports_unavailable_leases(memory: MemoryService) -> None:
    await request_deletion(memory)
    memory.leases = _Away()
    assert summarize(await reconcile_once(memory, dry_run=True)) == [
        (ReconcileAction.DELETE, "unavailable")
    ]


async def test_finished_tasks_are_reported_even_if_the_inventory_fails(
    memory: MemoryService,
) -> None:
    await request_deletion(memory)
    memory.fault_hook = FailAt({"inventory": [ProviderBusy()]})
    assert summarize(await reconcile_once(memory)) == [
        (ReconcileAction.DELETE, DONE),
        (ReconcileAction.COMPARE, "provider_busy"),
    ]


async def test_an_unavailable_registry_raises(memory: MemoryService) -> None:
    process = create_faulty_process(memory, FaultInjection(Unavailable(), 1, lasting=True)).memory
    with pytest.raises(Unavailable):
        await process.reconcile()()


async def test_a_cancelled_reconciler_waits_for_its_tasks(memory: MemoryService) -> None:
    """The caller closes next what the tasks use."""
    for number in range(3):
        await request_deletion(memory, f"Sales {number}")
    memory.fault_hook = work = _Uninterruptible()
    reconciling = asyncio.create_task(memory.reconcile()(drift=False))
    await wait_without_delay(lambda: work.begun == 3)
    reconciling.cancel()
    await run_until_idle()
    work.end_one()
    await run_until_idle()
    assert not reconciling.done(), "other tasks are still running"

    for _ in range(2):
        work.end_one()
    with pytest.raises(asyncio.CancelledError):
        await reconciling

    assert work.ended == 3


class _Uninterruptible:
    """A fault hook: a provider that does not react to a cancellation at once."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self._ends = asyncio.Semaphore(0)

    def end_one(self) -> None:
        self._ends.release()

    async def __call__(self, moment: str) -> None:
        if moment == "before delete":
            self.begun += 1
            await run_to_completion(self._work())

    async def _work(self) -> None:
        await self._ends.acquire()
        self.ended += 1


class _Away(InProcessLeases):
    """Leases whose server is unavailable."""

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        raise Unavailable
        yield False
