"""The reconciler does every due task once, on one of the replicas."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from adapters.memory.provider import no_fault
from domain.errors import ProviderBusy
from domain.lifecycle import FIRST_PAUSE, State
from domain.reconciliation import ReconcileAction
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.reconcile import AT_ONCE, DONE, PAGE, PLANNED, ReconcileResult
from tests.support.consistency import assert_consistent, reconcile_once
from tests.support.doubles import FailAt
from tests.support.drift_scenarios import request_deletion, summarize
from tests.support.memory_faults import FaultInjection, Killed, create_faulty_process
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.records import ELSEWHERE, new_record

SALES = CreateRequest(nickname="Sales", ttl=HOUR)


async def interrupt_creation(memory: MemoryService, key: str | None = None) -> None:
    """A database whose process was killed before the provider answered."""
    with pytest.raises(Killed):
        await create_faulty_process(
            memory, FaultInjection(Killed(), 4, lasting=True)
        ).memory.create_database()(replace(SALES, key=key))
    memory.fault_hook = no_fault


async def interrupt_creation_with_key(memory: MemoryService) -> None:
    await interrupt_creation(memory, "once")


async def interrupt_rotation(memory: MemoryService) -> None:
    provisioned = await memory.create_database()(SALES)
    await memory.interrupt("before rotate", memory.rotate()(provisioned.database.id))
    memory.clock.moment += FIRST_PAUSE


async def interrupt_extension(memory: MemoryService) -> None:
    provisioned = await memory.create_database()(SALES)
    await memory.interrupt(
        "before install", memory.add_extension()(provisioned.database.id, "hstore")
    )
    memory.clock.moment += FIRST_PAUSE


async def pass_expiry(memory: MemoryService) -> None:
    await memory.create_database()(SALES)
    memory.clock.moment += HOUR


async def interrupt_restoration(memory: MemoryService) -> None:
    await pass_expiry(memory)
    await memory.reconcile(GRACE)()
    record = await memory.only_record()
    await memory.interrupt("before provision", memory.restore()(record.id, HOUR))
    memory.clock.moment += FIRST_PAUSE


Prepare = Callable[[MemoryService], Awaitable[None]]
FOUND: dict[ReconcileAction, tuple[Prepare, State]] = {
    ReconcileAction.UNDO: (interrupt_creation, State.FAILED),
    ReconcileAction.FINISH: (interrupt_creation_with_key, State.READY),
    ReconcileAction.DELETE: (request_deletion, State.DELETED),
    ReconcileAction.ROTATE: (interrupt_rotation, State.READY),
    ReconcileAction.ADD_EXTENSION: (interrupt_extension, State.READY),
    ReconcileAction.EXPIRE: (pass_expiry, State.EXPIRED),
    ReconcileAction.RESTORE: (interrupt_restoration, State.READY),
}


@pytest.fixture(params=FOUND, ids=str)
async def due_action(memory: MemoryService, request: pytest.FixtureRequest) -> ReconcileAction:
    """The action that the only record is due for."""
    await FOUND[request.param][0](memory)
    return ReconcileAction(request.param)


async def test_a_due_task_is_done_and_reported(
    memory: MemoryService, due_action: ReconcileAction
) -> None:
    results = await reconcile_once(memory.restarted(), GRACE)

    record = await memory.only_record()
    assert results == [ReconcileResult(due_action, record.id, record.names.database, DONE)]
    assert (record.state, record.is_idle) == (FOUND[due_action][1], True)
    await assert_consistent(memory, GRACE)


async def test_a_dry_run_reports_the_same_and_changes_nothing(
    memory: MemoryService, due_action: ReconcileAction
) -> None:
    before, acquire = await memory.records(), await memory.tenant_ids()

    assert summarize(await reconcile_once(memory, GRACE, dry_run=True)) == [(due_action, PLANNED)]
    assert (await memory.records(), await memory.tenant_ids()) == (before, acquire)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_database_with_a_held_lease_is_not_touched(
    memory: MemoryService, due_action: ReconcileAction, dry_run: bool
) -> None:
    record = await memory.only_record()

    async with memory.leases.acquire(record.id):
        assert await reconcile_once(memory, GRACE, dry_run=dry_run) == []

    assert await memory.only_record() == record


async def test_of_two_concurrent_reconcilers_one_does_the_task(
    memory: MemoryService, due_action: ReconcileAction
) -> None:
    both = await asyncio.gather(
        reconcile_once(memory, GRACE), reconcile_once(memory.replica(), GRACE)
    )
    assert summarize(both[0] + both[1]) == [(due_action, DONE)]


async def test_a_database_of_another_target_is_not_touched(
    memory: MemoryService, due_action: ReconcileAction
) -> None:
    elsewhere = memory.replica()
    elsewhere.target = ELSEWHERE
    before = await memory.only_record()

    assert await elsewhere.reconcile(GRACE)(drift=False) == []
    assert await memory.only_record() == before


async def test_the_number_of_concurrent_tasks_is_bounded(memory: MemoryService) -> None:
    for number in range(9):
        await request_deletion(memory, f"Sales {number}")
    memory.fault_hook = counter = _ConcurrencyCounter()

    await reconcile_once(memory)

    assert 1 < counter.most <= 4


async def test_all_pages_of_due_records_are_processed(memory: MemoryService) -> None:
    for _ in range(PAGE + 1):
        await memory.registry.add(new_record(state=State.DELETING, created_at=memory.clock.now()))

    assert len(await reconcile_once(memory)) == PAGE + 1
    assert {record.state for record in await memory.records()} == {State.DELETED}


async def test_a_task_that_failed_before_comes_last(memory: MemoryService) -> None:
    """Although it is the newest and would otherwise come first."""
    others = [await memory.create(f"Sales {number}") for number in range(2 * AT_ONCE)]
    memory.clock.moment += FIRST_PAUSE
    await request_deletion(memory, "Troublesome")
    memory.fault_hook = FailAt({"before delete": [ProviderBusy()]})
    await reconcile_once(memory)
    memory.clock.moment += FIRST_PAUSE
    for other in others:
        await memory.deletion().request(other.database.id)

    results = await reconcile_once(memory)

    assert len(results) == 2 * AT_ONCE + 1
    assert results[-1].database == "troublesome"


async def test_without_drift_no_inventory_is_read(memory: MemoryService) -> None:
    memory.fault_hook = FailAt({"inventory": [ProviderBusy()]})
    assert await memory.reconcile()(drift=False) == []


async def test_a_failing_undo_is_reported(memory: MemoryService) -> None:
    await interrupt_creation(memory)
    memory.fault_hook = FailAt({"before delete": [ProviderBusy()]})

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.UNDO, "provider_busy")]
    memory.clock.moment += FIRST_PAUSE

    assert summarize(await reconcile_once(memory)) == [(ReconcileAction.DELETE, DONE)]
    assert (await memory.only_record()).state is State.FAILED


class _ConcurrencyCounter:
    """Counts concurrent deletions."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    async def __call__(self, moment: str) -> None:
        self.inside += {"before delete": 1, "after delete": -1}.get(moment, 0)
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
