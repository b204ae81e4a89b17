"""Records that this version of pgvend cannot read: a newer one, or somebody else, wrote them."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.migrating import migrate
from adapters.registry.registry import SqlRegistry
from adapters.registry.store import Store
from domain.database import Database
from domain.errors import Unavailable
from domain.request import REMEMBERED
from domain.states import State
from domain.steps import AT_ONCE
from domain.upkeep import Upkeep
from ports.driven.registry import Query, Registry
from ports.driving.sweep import DONE
from tests.support.aftermath import found
from tests.support.drifted import told, vended
from tests.support.records import new_record
from tests.support.vending import Memory

OF_A_NEWER_VERSION = "UPDATE databases SET state = 'quarantined' WHERE id = :id"

UNREADABLE = {
    "state": OF_A_NEWER_VERSION,
    "isolation": "UPDATE databases SET isolation = 'planet' WHERE id = :id",
    "step": "UPDATE databases SET history = '[{}]' WHERE id = :id",
    "no steps": "UPDATE databases SET history = '7' WHERE id = :id",
}

unreadable = pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)


@pytest.fixture
async def registry(engine: AsyncEngine) -> Registry:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    return SqlRegistry(Store(engine, engine))


async def spoilt(engine: AsyncEngine, database: Database, change: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(change), {"id": database.id})


@unreadable
async def test_what_cannot_be_read_is_told_with_its_id(
    registry: Registry, engine: AsyncEngine, change: str
) -> None:
    record = await registry.add(new_record())
    await spoilt(engine, record, change)

    with pytest.raises(Unavailable, match=record.id):
        await registry.get(record.id)
    with pytest.raises(Unavailable, match=record.id):
        await registry.search(Query())


@unreadable
async def test_it_keeps_nobody_from_the_other_records(
    registry: Registry, engine: AsyncEngine, change: str
) -> None:
    other = await registry.add(new_record())
    await spoilt(engine, await registry.add(new_record()), change)

    assert await registry.get(other.id) == other
    assert (await registry.update(replace(other, rotation=1))).rotation == 1


async def test_what_a_newer_version_does_is_never_due(
    registry: Registry, engine: AsyncEngine
) -> None:
    due, newer = [await registry.add(new_record()) for _ in range(2)]
    await spoilt(engine, newer, OF_A_NEWER_VERSION)

    assert await registry.search(Query(due=AT_ONCE)) == [due]


@pytest.mark.parametrize("state", [State.FAILED, State.RETIRED])
async def test_what_is_gone_is_never_due(registry: Registry, state: State) -> None:
    gone = await registry.add(new_record(state=state))

    assert gone.wake_at
    assert await registry.search(Query(due=gone.wake_at + REMEMBERED)) == []


async def test_a_sweep_leaves_it_alone_and_does_the_rest(
    registry: Registry, engine: AsyncEngine
) -> None:
    memory = Memory(registry=registry)
    newer, other = await vended(memory, "Newer"), await vended(memory, "Other")
    for database in (newer, other):
        await memory.retire().promise(database.id)
    await spoilt(engine, newer, OF_A_NEWER_VERSION)

    findings = await found(memory)

    assert told(findings)[0] == (Upkeep.RETIRE, DONE)
    assert memory.lets_in(newer)
    assert (await registry.get(other.id)).state is State.RETIRED
