"""The reconciler does every due task once, on one of the replicas."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from adapters.memory.provider import no_trouble
from domain.errors import ProviderBusy
from domain.lifecycle import FIRST_PAUSE
from domain.reconciliation import Upkeep
from domain.states import State
from ports.use_cases.create_database import VendRequest
from ports.use_cases.reconcile import AT_ONCE, DONE, PAGE, WOULD, Finding
from tests.support.consistency import assert_in_line, found
from tests.support.doubles import Fails
from tests.support.drift_scenarios import deleted, told
from tests.support.memory_faults import Fate, Killed, troubled
from tests.support.memory_service import GRACE, HOUR, Memory
from tests.support.records import ELSEWHERE, new_record

SALES = VendRequest(nickname="Sales", ttl=HOUR)


async def half_made(memory: Memory, key: str | None = None) -> None:
    """A database whose process was killed before the provider answered."""
    with pytest.raises(Killed):
        await troubled(memory, Fate(Killed(), 4, lasting=True)).memory.vend()(
            replace(SALES, key=key)
        )
    memory.trouble = no_trouble


async def half_made_with_a_key(memory: Memory) -> None:
    await half_made(memory, "once")


async def rotating(memory: Memory) -> None:
    made = await memory.vend()(SALES)
    await memory.interrupt("before rotate", memory.rotate()(made.database.id))
    memory.clock.moment += FIRST_PAUSE


async def extending(memory: Memory) -> None:
    made = await memory.vend()(SALES)
    await memory.interrupt("before install", memory.add_extension()(made.database.id, "hstore"))
    memory.clock.moment += FIRST_PAUSE


async def over(memory: Memory) -> None:
    await memory.vend()(SALES)
    memory.clock.moment += HOUR


async def restoring(memory: Memory) -> None:
    await over(memory)
    await memory.sweep(GRACE)()
    record = await memory.only_record()
    await memory.interrupt("before provision", memory.restore()(record.id, HOUR))
    memory.clock.moment += FIRST_PAUSE


Prepare = Callable[[Memory], Awaitable[None]]
FOUND: dict[Upkeep, tuple[Prepare, State]] = {
    Upkeep.UNDO: (half_made, State.FAILED),
    Upkeep.FINISH: (half_made_with_a_key, State.READY),
    Upkeep.DELETE: (deleted, State.DELETED),
    Upkeep.ROTATE: (rotating, State.READY),
    Upkeep.ADD_EXTENSION: (extending, State.READY),
    Upkeep.EXPIRE: (over, State.EXPIRED),
    Upkeep.RESTORE: (restoring, State.READY),
}


@pytest.fixture(params=FOUND, ids=str)
async def upkeep(memory: Memory, request: pytest.FixtureRequest) -> Upkeep:
    """The action that the only record is due for."""
    await FOUND[request.param][0](memory)
    return Upkeep(request.param)


async def test_a_due_task_is_done_and_reported(memory: Memory, upkeep: Upkeep) -> None:
    findings = await found(memory.restarted(), GRACE)

    record = await memory.only_record()
    assert findings == [Finding(upkeep, record.id, record.names.database, DONE)]
    assert (record.state, record.is_at_rest) == (FOUND[upkeep][1], True)
    await assert_in_line(memory, GRACE)


async def test_a_dry_run_reports_the_same_and_changes_nothing(
    memory: Memory, upkeep: Upkeep
) -> None:
    before, held = await memory.records(), await memory.tenant_ids()

    assert told(await found(memory, GRACE, dry_run=True)) == [(upkeep, WOULD)]
    assert (await memory.records(), await memory.tenant_ids()) == (before, held)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_database_with_a_held_lease_is_not_touched(
    memory: Memory, upkeep: Upkeep, dry_run: bool
) -> None:
    record = await memory.only_record()

    async with memory.leases.held(record.id):
        assert await found(memory, GRACE, dry_run=dry_run) == []

    assert await memory.only_record() == record


async def test_of_two_concurrent_reconcilers_one_does_the_task(
    memory: Memory, upkeep: Upkeep
) -> None:
    both = await asyncio.gather(found(memory, GRACE), found(memory.replica(), GRACE))
    assert told(both[0] + both[1]) == [(upkeep, DONE)]


async def test_a_database_of_another_target_is_not_touched(memory: Memory, upkeep: Upkeep) -> None:
    elsewhere = memory.replica()
    elsewhere.target = ELSEWHERE
    before = await memory.only_record()

    assert await elsewhere.sweep(GRACE)(drift=False) == []
    assert await memory.only_record() == before


async def test_the_number_of_concurrent_tasks_is_bounded(memory: Memory) -> None:
    for number in range(9):
        await deleted(memory, f"Sales {number}")
    memory.trouble = crowd = _Crowd()

    await found(memory)

    assert 1 < crowd.most <= 4


async def test_all_pages_of_due_records_are_processed(memory: Memory) -> None:
    for _ in range(PAGE + 1):
        await memory.registry.add(new_record(state=State.DELETING, made=memory.clock.now()))

    assert len(await found(memory)) == PAGE + 1
    assert {record.state for record in await memory.records()} == {State.DELETED}


async def test_a_task_that_failed_before_comes_last(memory: Memory) -> None:
    """Although it is the newest and would otherwise come first."""
    others = [await memory.create(f"Sales {number}") for number in range(2 * AT_ONCE)]
    memory.clock.moment += FIRST_PAUSE
    await deleted(memory, "Troublesome")
    memory.trouble = Fails({"before delete": [ProviderBusy()]})
    await found(memory)
    memory.clock.moment += FIRST_PAUSE
    for other in others:
        await memory.deletion().request(other.database.id)

    findings = await found(memory)

    assert len(findings) == 2 * AT_ONCE + 1
    assert findings[-1].database == "troublesome"


async def test_without_drift_no_inventory_is_read(memory: Memory) -> None:
    memory.trouble = Fails({"inventory": [ProviderBusy()]})
    assert await memory.sweep()(drift=False) == []


async def test_a_failing_undo_is_reported(memory: Memory) -> None:
    await half_made(memory)
    memory.trouble = Fails({"before delete": [ProviderBusy()]})

    assert told(await found(memory)) == [(Upkeep.UNDO, "provider_busy")]
    memory.clock.moment += FIRST_PAUSE

    assert told(await found(memory)) == [(Upkeep.DELETE, DONE)]
    assert (await memory.only_record()).state is State.FAILED


class _Crowd:
    """Counts concurrent deletions."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    async def __call__(self, moment: str) -> None:
        self.inside += {"before delete": 1, "after delete": -1}.get(moment, 0)
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
