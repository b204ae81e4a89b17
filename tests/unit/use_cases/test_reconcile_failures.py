"""Failures and cancellation of the reconciler: reported, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.system.leases import MemoryLeases
from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected, Unavailable
from domain.lifecycle import FIRST_PAUSE
from domain.reconciliation import Upkeep
from ports.driven.cancellation import finished
from ports.use_cases.reconcile import DONE
from tests.support.consistency import found, settle
from tests.support.doubles import Crashes, Fails
from tests.support.drift_scenarios import deleted, told
from tests.support.memory_faults import Fate, troubled
from tests.support.memory_service import Memory
from tests.support.polling import moment_of
from tests.support.queueing import settled


@pytest.mark.parametrize("error", [ProviderBusy, OutcomeUnknown, ProviderRejected])
async def test_a_failing_task_is_reported_and_retried_after_a_pause(
    memory: Memory, error: type[ProviderBusy] | type[ProviderRejected]
) -> None:
    await deleted(memory)
    memory.trouble = Fails({"before delete": [error("No.")]})

    assert [(one.outcome, one.detail) for one in await found(memory)] == [(error.code, "No.")]
    assert await found(memory) == [], "it did not pause"
    memory.clock.moment += FIRST_PAUSE

    assert told(await found(memory)) == [(Upkeep.DELETE, DONE)]
    assert await memory.tenant_ids() == set()


@pytest.mark.parametrize("error", [ProviderBusy("It is busy."), ValueError("a secret")])
async def test_a_failing_task_does_not_stop_the_others(memory: Memory, error: Exception) -> None:
    for number in range(9):
        await deleted(memory, f"Sales {number}")
    memory.trouble = Crashes("before delete", error)

    findings = await found(memory)

    [failed] = [finding for finding in findings if finding.outcome != DONE]
    assert len(findings) == 9
    is_ours = isinstance(error, ProviderBusy)
    assert (failed.outcome, failed.detail, failed.crash) == (
        ("provider_busy", "It is busy.", None)
        if is_ours
        else ("internal_error", "ValueError", error)
    )
    assert len(await memory.tenant_ids()) == 1
    await settle(memory)
    assert await memory.tenant_ids() == set()


async def test_a_dry_run_reports_unavailable_leases(memory: Memory) -> None:
    await deleted(memory)
    memory.leases = _Away()
    assert told(await found(memory, dry_run=True)) == [(Upkeep.DELETE, "unavailable")]


async def test_finished_tasks_are_reported_even_if_the_inventory_fails(memory: Memory) -> None:
    await deleted(memory)
    memory.trouble = Fails({"inventory": [ProviderBusy()]})
    assert told(await found(memory)) == [(Upkeep.DELETE, DONE), (Upkeep.COMPARE, "provider_busy")]


async def test_an_unavailable_registry_raises(memory: Memory) -> None:
    process = troubled(memory, Fate(Unavailable(), 1, lasting=True)).memory
    with pytest.raises(Unavailable):
        await process.sweep()()


async def test_a_cancelled_reconciler_waits_for_its_tasks(memory: Memory) -> None:
    """The caller closes next what the tasks use."""
    for number in range(3):
        await deleted(memory, f"Sales {number}")
    memory.trouble = work = _Uninterruptible()
    sweeping = asyncio.create_task(memory.sweep()(drift=False))
    await moment_of(lambda: work.begun == 3)
    sweeping.cancel()
    await settled()
    work.end_one()
    await settled()
    assert not sweeping.done(), "other tasks are still running"

    for _ in range(2):
        work.end_one()
    with pytest.raises(asyncio.CancelledError):
        await sweeping

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
            await finished(self._work())

    async def _work(self) -> None:
        await self._ends.acquire()
        self.ended += 1


class _Away(MemoryLeases):
    """Leases whose server is unavailable."""

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        raise Unavailable
        yield False
