"""What was not where it was, is forgotten, and turns up again: with all that is in it."""

from datetime import timedelta

import pytest

from domain.database import Database
from domain.errors import NameTaken
from domain.states import State
from domain.steps import Work
from domain.upkeep import SETTLED, Upkeep
from ports.driving.sweep import DONE, TOLD
from tests.support.aftermath import assert_in_line, found, settle
from tests.support.drifted import half_lost, lost, showing, told, vended
from tests.support.orders import deriver
from tests.support.vending import Memory

HOUR = timedelta(hours=1)


async def forgotten(memory: Memory, ttl: timedelta | None = None) -> Database:
    """It is there all the same: another server was looked at, an older copy of ours."""
    old = await vended(memory, "Old")
    made = await vended(memory, ttl=ttl)
    memory.clock.moment += SETTLED
    right, memory.provider = memory.provider, await showing(old)
    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]
    memory.provider = right
    return await memory.registry.get(made.id)


async def test_to_forget_drops_nothing_and_says_no_word_of_a_drop() -> None:
    record = await forgotten(memory := Memory())

    assert (record.state, record.is_lost) == (State.RETIRED, True)
    assert Work.RETIRE not in {step.name for step in record.steps}
    assert memory.lets_in(record)


async def test_what_was_forgotten_and_turns_up_is_taken_back_as_it_was() -> None:
    record = await forgotten(memory := Memory())

    assert told(await found(memory)) == [(Upkeep.ADOPT, DONE)]

    assert (await memory.registry.get(record.id)).state is State.READY
    assert memory.provider.accepts((await memory.connect()(record.id)).connection)
    await assert_in_line(memory)


async def test_what_is_taken_back_can_be_deleted() -> None:
    record = await forgotten(memory := Memory())
    await found(memory)

    await memory.retire().promise(record.id)
    await memory.retire().finish(record.id)

    assert record.id not in await memory.held()
    await assert_in_line(memory)


async def test_what_is_over_when_it_turns_up_ends() -> None:
    record = await forgotten(memory := Memory(), ttl=9 * HOUR)
    memory.clock.moment += 9 * HOUR

    await settle(memory)

    assert (await memory.registry.get(record.id)).state is State.RETIRED
    assert record.id not in await memory.held()
    await assert_in_line(memory)


async def test_a_deletion_of_what_was_forgotten_is_kept_when_it_turns_up() -> None:
    record = await forgotten(memory := Memory())
    assert (await memory.retire().promise(record.id)).is_gone

    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]

    assert (await memory.registry.get(record.id)).state is State.RETIRED
    assert record.id not in await memory.held()
    await assert_in_line(memory)


async def test_what_turns_up_under_a_name_that_was_given_away_is_told_and_left() -> None:
    record = await forgotten(memory := Memory())
    right, memory.provider = memory.provider, await showing()
    other = await vended(memory)
    memory.provider = right

    findings = await found(memory)

    assert other.names == record.names
    assert (Upkeep.ADOPT, NameTaken.code) in told(findings)
    assert memory.lets_in(record)


async def test_a_role_that_is_left_of_what_was_dropped_on_the_server_goes_by_deleting_it() -> None:
    """Its database may be there all the same, and not be listed: the sweep alone drops nothing."""
    memory = Memory()
    made, other = await vended(memory), await vended(memory, "Other")
    await half_lost(memory, made)

    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]
    assert told(await found(memory)) == [(Upkeep.DOUBT, TOLD)]
    await memory.retire().promise(made.id)
    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]

    assert await memory.held() == {other.id}
    await assert_in_line(memory)


async def test_of_two_who_take_it_back_one_does() -> None:
    record = await forgotten(memory := Memory())
    [mine], [theirs] = await memory.reconcile()(), await memory.replica().reconcile()()
    assert mine.do
    assert theirs.do

    assert [await mine.do(), await theirs.do()] == [True, False]

    assert (await memory.registry.get(record.id)).state is State.READY


@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_is_missing_without_evidence_is_told_and_left(dry_run: bool) -> None:
    memory = Memory()
    made = await vended(memory)
    await lost(memory, made)

    [finding] = await found(memory, dry_run=dry_run)

    assert (finding.action, finding.outcome, finding.id) == (Upkeep.MISS, TOLD, made.id)
    assert "delete the database" in finding.detail
    assert await memory.only_record() == made


async def test_a_pending_rotation_does_not_keep_what_is_missing_from_being_forgotten() -> None:
    memory = Memory()
    await vended(memory, "Other")
    made = await vended(memory)
    await lost(memory, made)
    record = await memory.registry.get(made.id)
    await memory.registry.update(record.began(Work.ROTATE, memory.clock.now()))

    for _ in range(20):
        await found(memory)
        memory.clock.moment += SETTLED

    assert (await memory.registry.get(made.id)).is_lost


async def test_a_rotation_that_was_pending_is_finished_when_it_turns_up() -> None:
    memory = Memory()
    made = await vended(memory)
    lost_amid = made.began(Work.ROTATE, memory.clock.now()).lost()
    await memory.registry.update(lost_amid)

    await settle(memory)

    assert (await memory.only_record()).is_at_rest
    assert memory.provider.accepts((await memory.connect()(made.id)).connection)
    assert made.order(deriver).tenant.id in await memory.held()
