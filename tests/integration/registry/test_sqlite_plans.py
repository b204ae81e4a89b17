"""How SQLite finds records: by an index and in its order, so that a page costs the same however
many records there are. PostgreSQL decides by what it has counted: nothing to be pinned."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.migrating import migrate
from adapters.registry.registry import SqlRegistry
from adapters.registry.store import Store
from domain.states import State
from ports.driven.registry import Query
from tests.integration.registry.conftest import empty_database
from tests.support.records import new_record
from tests.support.registries import BEGIN, MARK

QUERIES = {
    "the first page": Query(),
    "a later page": Query(before="db_5"),
    "a caller's": Query(caller="me", before="db_5"),
    "of one state": Query(states=frozenset({State.RETIRED}), before="db_5"),
    "a request's": Query(request=MARK.key),
    "due": Query(due=BEGIN + timedelta(days=1), target="here"),
}


@pytest.fixture
async def engine() -> AsyncIterator[AsyncEngine]:
    async with empty_database(None) as engine:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
        yield engine


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
async def test_no_search_goes_through_all_records(engine: AsyncEngine, query: Query) -> None:
    plan = await _plan(engine, query)

    assert "USING" in plan
    assert "INDEX" in plan


@pytest.mark.parametrize("name", [name for name in QUERIES if name != "due"])
async def test_no_search_sorts_but_that_for_the_few_that_are_due(
    engine: AsyncEngine, name: str
) -> None:
    assert "TEMP B-TREE" not in await _plan(engine, QUERIES[name])


async def test_what_is_due_is_looked_up_by_its_moment(engine: AsyncEngine) -> None:
    assert "databases_wake_at (wake_at<?)" in await _plan(engine, QUERIES["due"])


async def test_a_quota_is_counted_by_what_there_is_now(engine: AsyncEngine) -> None:
    registry = SqlRegistry(Store(engine, engine))

    plan = await _plan_of(engine, lambda: registry.add(new_record(), quota=1))

    assert "databases_quota (caller=?)" in plan


async def _plan(engine: AsyncEngine, query: Query) -> str:
    registry = SqlRegistry(Store(engine, engine))
    return await _plan_of(engine, lambda: registry.search(query))


async def _plan_of(engine: AsyncEngine, call: Callable[[], Awaitable[object]]) -> str:
    asked: list[tuple[Any, ...]] = []

    def listen(*arguments: Any) -> None:
        asked.append(arguments[2:4])

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    await call()
    event.remove(engine.sync_engine, "before_cursor_execute", listen)
    ((statement, values),) = asked
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return "\n".join(str(row[-1]) for row in rows)
