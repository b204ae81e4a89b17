"""What is no drift, and what is left alone although it looks like drift."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.order import Holding
from domain.states import State
from domain.upkeep import SETTLED, Upkeep
from ports.driving.reconcile import PAGE
from ports.driving.sweep import DONE, TOLD, WOULD, Finding
from tests.support.aftermath import assert_in_line, found
from tests.support.drifted import (
    half_unrecorded,
    lost,
    showing,
    told,
    unrecorded,
    vended,
)
from tests.support.orders import deriver
from tests.support.records import new_record
from tests.support.vending import Memory

GRACE = timedelta(days=1)


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_what_changes_while_it_is_compared_is_left_alone(is_deleted: bool) -> None:
    """Between the look at the records and the look at the provider, or after both."""
    memory = Memory()
    made, _ = await vended(memory), await vended(memory, "Other")
    await lost(memory, made)
    chores = await memory.reconcile()()
    await memory.provider.provision(made.order(deriver))
    if is_deleted:
        await memory.retire().promise(made.id)
    else:
        await memory.rotate()(made.id)
    record = await memory.registry.get(made.id)

    assert [await chore.do() for chore in chores if chore.do] == [False]
    assert await memory.registry.get(made.id) == record
    assert made.id in await memory.held()


class Behind(MemoryProvider):
    """Its list shows what is newest only from the second look on."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    async def inventory(self) -> Sequence[Holding]:
        self.looks += 1
        holdings = await super().inventory()
        return holdings[:-1] if self.looks == 1 else holdings


async def test_what_one_look_does_not_show_and_the_next_does_is_not_missing() -> None:
    memory = Memory()
    memory.provider = Behind()
    both = [await vended(memory), await vended(memory, "Other")]
    memory.clock.moment += SETTLED

    assert told(await found(memory)) == []
    assert all(memory.lets_in(made) for made in both)


async def test_what_another_server_does_not_have_is_there_again_after_the_way_back() -> None:
    """Databases that are made on that server meanwhile do not make it the right one."""
    memory = Memory()
    made = await vended(memory)
    memory.clock.moment += GRACE
    right, memory.provider = memory.provider, MemoryProvider()
    await vended(memory, "Other")

    assert told(await found(memory)) == [(Upkeep.MISS, TOLD)]
    memory.provider = right

    assert (Upkeep.REMOVE, DONE) not in told(await found(memory))
    assert memory.lets_in(made)


async def test_what_was_handed_out_a_moment_ago_may_not_be_listed_yet() -> None:
    memory = Memory()
    old = await vended(memory, "Old")
    memory.clock.moment += GRACE
    new = await vended(memory, "New")
    right, memory.provider = memory.provider, await showing(old)

    assert await found(memory) == []
    memory.provider = right

    assert memory.lets_in(new)
    await assert_in_line(memory)


async def test_a_vend_that_is_at_work_is_no_drift() -> None:
    memory = Memory()
    seen: list[list[Finding]] = []

    async def comparing(moment: str) -> None:
        if moment in {"amid provision", "after provision"}:
            seen.append(await memory.sweep()())

    memory.trouble = comparing
    made = await vended(memory)

    assert seen == [[], []]
    assert memory.lets_in(made)


async def test_all_pages_of_records_are_compared() -> None:
    memory = Memory()
    made = await vended(memory)
    for _ in range(PAGE):
        await memory.registry.add(new_record(made=memory.clock.now() + GRACE))
    missing = await memory.registry.add(
        new_record("Missing", state=State.READY, made=memory.clock.now())
    )

    memory.clock.moment += SETTLED

    chores = await memory.reconcile()()

    assert [(chore.action, chore.id) for chore in chores] == [(Upkeep.FORGET, missing.id)]
    assert memory.lets_in(made)


async def test_a_stranger_is_never_touched() -> None:
    memory = Memory()
    await memory.occupy("Sales")
    memory.clock.moment += timedelta(days=10_000)

    assert await found(memory) == []
    assert await memory.held() == {"stranger"}


async def test_a_dry_run_changes_nothing() -> None:
    await half_unrecorded(memory := Memory())
    await unrecorded(memory, "Whole")
    held = await memory.held()

    findings = await found(memory, dry_run=True)

    assert set(told(findings)) == {(Upkeep.ADOPT, WOULD), (Upkeep.DOUBT, TOLD)}
    assert (await memory.records(), await memory.held()) == ([], held)
