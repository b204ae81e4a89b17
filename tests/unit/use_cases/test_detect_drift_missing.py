"""Databases that are marked missing and reappear with their data."""

import pytest

from domain.database import Database
from domain.errors import NameTaken
from domain.lifecycle import Work
from domain.reconciliation import SETTLED, Upkeep
from domain.states import State
from ports.use_cases.provisioned_database import Vended
from ports.use_cases.reconcile import DONE, TOLD
from tests.support.consistency import assert_in_line, found
from tests.support.drift_scenarios import half_lost, lost, showing, told, vended
from tests.support.memory_service import HOUR, Memory


@pytest.fixture
async def forgotten(memory: Memory) -> Database:
    """A database marked missing because the inventory came from an older copy of the server."""
    old = await vended(memory, "Old")
    made = await vended(memory, ttl=9 * HOUR)
    memory.clock.moment += SETTLED
    right, memory.provider = memory.provider, await showing(old)
    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]
    memory.provider = right
    return await memory.registry.get(made.id)


async def assert_deleted(memory: Memory, database_id: str) -> None:
    assert (await memory.registry.get(database_id)).state is State.DELETED
    assert database_id not in await memory.tenant_ids()
    await assert_in_line(memory)


async def test_marking_as_missing_drops_nothing(memory: Memory, forgotten: Database) -> None:
    assert (forgotten.state, forgotten.is_lost) == (State.DELETED, True)
    assert Work.DELETE not in {step.name for step in forgotten.steps}
    assert memory.lets_in(forgotten)


async def test_a_missing_database_that_reappears_is_ready_again(
    memory: Memory, forgotten: Database
) -> None:
    assert told(await found(memory)) == [(Upkeep.ADOPT, DONE)]

    assert (await memory.registry.get(forgotten.id)).state is State.READY
    assert memory.provider.accepts((await memory.connect()(forgotten.id)).connection)
    await assert_in_line(memory)
    await memory.delete(forgotten.id)
    await assert_deleted(memory, forgotten.id)


async def test_a_missing_database_deleted_by_its_caller_is_dropped_when_it_reappears(
    memory: Memory, forgotten: Database
) -> None:
    assert (await memory.deletion().request(forgotten.id)).is_gone
    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]
    await assert_deleted(memory, forgotten.id)


async def test_a_reappeared_database_does_not_take_a_name_from_another(
    memory: Memory, forgotten: Database
) -> None:
    right, memory.provider = memory.provider, await showing()
    other = await vended(memory)
    memory.provider = right

    findings = await found(memory)

    assert other.names == forgotten.names
    assert (Upkeep.ADOPT, NameTaken.code) in told(findings)
    assert memory.lets_in(forgotten)


async def test_a_remaining_role_is_dropped_by_a_deletion_only(
    memory: Memory, sales: Vended
) -> None:
    """Its database may exist and not be listed, so that the reconciler drops nothing by itself."""
    other = await vended(memory, "Other")
    await half_lost(memory, sales.database)

    assert told(await found(memory)) == [(Upkeep.FORGET, DONE)]
    assert told(await found(memory)) == [(Upkeep.DOUBT, TOLD)]
    await memory.deletion().request(sales.database.id)
    assert told(await found(memory)) == [(Upkeep.REMOVE, DONE)]

    assert await memory.tenant_ids() == {other.id}
    await assert_in_line(memory)


async def test_two_concurrent_reconcilers_take_back_a_database_once(
    memory: Memory, forgotten: Database
) -> None:
    [mine], [theirs] = await memory.detect_drift()(), await memory.replica().detect_drift()()
    assert mine.run
    assert theirs.run

    assert [await mine.run(), await theirs.run()] == [True, False]

    assert (await memory.registry.get(forgotten.id)).state is State.READY


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_database_that_may_be_on_another_server_is_not_marked_missing(
    memory: Memory, sales: Vended, dry_run: bool
) -> None:
    await lost(memory, sales.database)

    [finding] = await found(memory, dry_run=dry_run)

    assert (finding.action, finding.outcome) == (Upkeep.MISS, TOLD)
    assert finding.id == sales.database.id
    assert "delete the database" in finding.detail
    assert await memory.only_record() == sales.database
