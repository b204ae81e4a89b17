"""All that is due is done, once, by whoever comes first; nothing is given up."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.provider import no_trouble
from domain.database import Database
from domain.errors import ProviderBusy
from domain.states import State
from domain.steps import FIRST_PAUSE
from domain.upkeep import Upkeep
from ports.driving.sweep import DONE, PAGE, WOULD, Finding
from ports.driving.vend import VendRequest
from tests.support.aftermath import assert_in_line, found
from tests.support.doubles import Fails
from tests.support.fate import Fate, Killed, troubled
from tests.support.records import new_record
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)
SALES = VendRequest(nickname="Sales", ttl=HOUR)


def told(findings: list[Finding]) -> list[tuple[Upkeep, str]]:
    return [(finding.action, finding.outcome) for finding in findings]


async def vended(memory: Memory, nickname: str = "Sales") -> Database:
    return (await memory.vend()(replace(SALES, nickname=nickname))).database


async def half_made(memory: Memory, request: VendRequest) -> None:
    """Its process was killed before it had an answer from the provider."""
    with pytest.raises(Killed):
        await troubled(memory, Fate(Killed(), 4, lasting=True)).memory.vend()(request)
    memory.trouble = no_trouble


async def rotating(memory: Memory) -> None:
    made = await vended(memory)
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.id)
    memory.clock.moment += FIRST_PAUSE


async def restoring(memory: Memory) -> None:
    made = await over(memory)
    await memory.sweep(GRACE)()
    memory.trouble = Fails({"before provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.restore()(made.id, HOUR)
    memory.clock.moment += FIRST_PAUSE


async def over(memory: Memory) -> Database:
    made = await vended(memory)
    memory.clock.moment += HOUR
    return made


async def unanswered(memory: Memory) -> None:
    await half_made(memory, SALES)


async def promised(memory: Memory) -> None:
    await half_made(memory, replace(SALES, key="once"))


async def deleted(memory: Memory) -> None:
    await memory.retire().promise((await vended(memory)).id)


FOUND = {
    Upkeep.UNDO: (unanswered, State.FAILED),
    Upkeep.FINISH: (promised, State.READY),
    Upkeep.RETIRE: (deleted, State.RETIRED),
    Upkeep.ROTATE: (rotating, State.READY),
    Upkeep.EXPIRE: (over, State.EXPIRED),
    Upkeep.RESTORE: (restoring, State.READY),
}

each = pytest.mark.parametrize("upkeep", FOUND)


async def test_where_all_is_in_line_nothing_is_found() -> None:
    memory = Memory()
    await vended(memory)

    await assert_in_line(memory)


@each
async def test_what_is_due_is_told_and_done(upkeep: Upkeep) -> None:
    prepare, state = FOUND[upkeep]
    await prepare(memory := Memory())

    findings = await found(memory.restarted(), GRACE)

    record = await memory.only_record()
    assert findings == [Finding(upkeep, record.id, record.names.database, DONE)]
    assert (record.state, record.is_at_rest) == (state, True)
    await assert_in_line(memory, GRACE)


@each
async def test_a_dry_run_tells_the_same_and_does_nothing(upkeep: Upkeep) -> None:
    prepare, _ = FOUND[upkeep]
    await prepare(memory := Memory())
    before, held = await memory.records(), await memory.held()

    findings = await found(memory, GRACE, dry_run=True)

    assert told(findings) == [(upkeep, WOULD)]
    assert (await memory.records(), await memory.held()) == (before, held)


@each
@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_somebody_is_at_is_left_to_it(upkeep: Upkeep, dry_run: bool) -> None:
    prepare, _ = FOUND[upkeep]
    await prepare(memory := Memory())
    record = await memory.only_record()

    async with memory.leases.held(record.id):
        assert await found(memory, GRACE, dry_run=dry_run) == []

    assert await memory.only_record() == record


@each
async def test_of_two_sweeps_at_once_one_does_it(upkeep: Upkeep) -> None:
    prepare, _ = FOUND[upkeep]
    await prepare(memory := Memory())

    both = await asyncio.gather(found(memory, GRACE), found(memory.replica(), GRACE))

    assert told(both[0] + both[1]) == [(upkeep, DONE)]


@each
async def test_what_is_of_another_target_is_left_alone(upkeep: Upkeep) -> None:
    prepare, _ = FOUND[upkeep]
    await prepare(memory := Memory())
    elsewhere = memory.replica()
    elsewhere.target = replace(memory.target, name="elsewhere")
    before = await memory.only_record()

    findings = await elsewhere.sweep(GRACE)(drift=False)

    assert findings == []
    assert await memory.only_record() == before


async def test_only_a_few_things_are_done_at_the_same_time() -> None:
    memory = Memory()
    for number in range(9):
        await memory.retire().promise((await vended(memory, f"Sales {number}")).id)
    memory.trouble = crowd = _Crowd()

    await found(memory)

    assert 1 < crowd.most <= 4


async def test_all_pages_of_what_is_due_are_worked_off() -> None:
    memory = Memory()
    for _ in range(PAGE + 1):
        await memory.registry.add(new_record(state=State.RETIRING, made=memory.clock.now()))

    assert len(await found(memory)) == PAGE + 1
    assert {record.state for record in await memory.records()} == {State.RETIRED}


async def test_without_drift_the_provider_is_not_asked_what_it_holds() -> None:
    memory = Memory(trouble=Fails({"inventory": [ProviderBusy()]}))

    assert await memory.sweep()(drift=False) == []


class _Crowd:
    """Counts who is dropped at the same time."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    async def __call__(self, moment: str) -> None:
        self.inside += {"before retire": 1, "after retire": -1}.get(moment, 0)
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
