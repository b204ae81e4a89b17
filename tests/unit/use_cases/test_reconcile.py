"""Drift between the records and what the provider holds, both ways, and how it is repaired."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from domain.states import State
from domain.upkeep import SETTLED, Upkeep
from ports.driving.sweep import DONE, TOLD
from tests.support.aftermath import assert_in_line, found
from tests.support.drifted import half_unrecorded, lost, told, unrecorded, vended
from tests.support.orders import deriver
from tests.support.records import new_record
from tests.support.vending import Memory


async def test_what_no_record_knows_is_adopted_and_can_be_used_and_deleted() -> None:
    tenant = await unrecorded(memory := Memory())

    assert told(await found(memory)) == [(Upkeep.ADOPT, DONE)]

    record = await memory.only_record()
    assert (record.id, record.names, record.state) == (tenant.id, tenant.names, State.READY)
    assert memory.provider.accepts((await memory.rotate()(tenant.id)).connection)
    await memory.retire().promise(tenant.id)
    await assert_after_deletion(memory)


async def assert_after_deletion(memory: Memory) -> None:
    assert told(await found(memory)) == [(Upkeep.RETIRE, DONE)]
    await assert_in_line(memory)


async def test_what_is_adopted_bears_the_time_it_was_made_and_never_ends() -> None:
    await unrecorded(memory := Memory(), age=9 * SETTLED)

    await found(memory)

    record = await memory.only_record()
    assert abs(record.created_at - (memory.clock.now() - 9 * SETTLED)) < timedelta(seconds=1)
    assert (record.expires_at, record.wake_at) == (None, None)


async def test_what_is_young_is_left_alone_until_it_is_not() -> None:
    await unrecorded(memory := Memory(), age=timedelta())

    assert await found(memory) == []
    memory.clock.moment += SETTLED
    assert told(await found(memory)) == [(Upkeep.ADOPT, DONE)]


async def test_what_is_not_whole_and_has_no_record_is_told_and_left() -> None:
    """It may be another service's, or somebody's who is about to come back for it."""
    await half_unrecorded(memory := Memory())
    held = await memory.held()

    [finding] = await found(memory)

    assert (finding.action, finding.outcome) == (Upkeep.DOUBT, TOLD)
    assert "by hand" in finding.detail
    assert (await memory.records(), await memory.held()) == ([], held)


async def test_what_is_adopted_by_two_at_once_is_one() -> None:
    await unrecorded(memory := Memory())

    both = await asyncio.gather(found(memory), found(memory.replica()))

    assert (Upkeep.ADOPT, DONE) in told(both[0] + both[1])
    assert len(await memory.records()) == 1
    await assert_in_line(memory)


async def test_a_name_that_a_record_has_already_is_told_and_nothing_is_lost() -> None:
    tenant = await unrecorded(memory := Memory())
    other = new_record("Lost", state=State.READY, made=memory.clock.now())
    await memory.registry.add(replace(other, wake_at=None))

    assert (Upkeep.ADOPT, "name_taken") in told(await found(memory))
    assert await memory.held() == {tenant.id}


async def test_what_is_left_of_what_is_gone_is_removed() -> None:
    memory = Memory()
    made = await vended(memory)
    await memory.retire().promise(made.id)
    await memory.retire().finish(made.id)
    await memory.provider.provision(made.order(deriver))

    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]
    assert await memory.held() == set()


async def test_what_somebody_dropped_on_the_server_is_forgotten() -> None:
    memory = Memory()
    made, other = await vended(memory), await vended(memory, "Other")
    await lost(memory, made)

    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]

    assert (await memory.registry.get(made.id)).state is State.RETIRED
    assert (await memory.registry.get(other.id)) == other
    await assert_in_line(memory)


async def test_where_nothing_of_ours_is_there_nothing_is_forgotten() -> None:
    """It is the wrong server, or one that was restored from nothing: the operator is told."""
    memory = Memory()
    records = [await vended(memory), await vended(memory, "Other")]
    for record in records:
        await lost(memory, record)
    await memory.occupy("Sales")

    assert set(told(await found(memory))) == {(Upkeep.MISS, TOLD)}
    assert await memory.records() == records[::-1] or await memory.records() == records


async def test_what_was_renamed_on_the_server_is_known_by_its_name() -> None:
    memory = Memory()
    made = await vended(memory)
    memory.provider._databases["renamed"] = memory.provider._databases.pop("sales")

    assert told(await found(memory)) == [(Upkeep.RENAME, DONE)]

    connection = (await memory.connect()(made.id)).connection
    assert connection.database == "renamed"
    assert memory.provider.accepts(connection)
    await assert_in_line(memory)
