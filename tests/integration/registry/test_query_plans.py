"""The indexes by which SQLite and PostgreSQL find records, from their query plans.

The cost of a page must not depend on how many records there are, nor on how many of them are
deleted.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.executor import Executor
from adapters.registry.registry import SqlRegistry
from domain.lifecycle import LISTED, LIVE, State
from ports.driven.registry import Position, Query
from ports.use_cases.find_database import DELETING, STAYING
from tests.support.query_plans import explain_in_postgres, explain_in_sqlite, insert_records
from tests.support.records import new_record
from tests.support.registries import BEGIN, IDEMPOTENCY_KEY

CALLER = "caller 7"

LATER = Position(BEGIN + timedelta(seconds=5000), "db_05000")
"""A position in the middle of those below."""

LIVE_QUERIES = {
    "all": Query(states=LIVE),
    "all, a later page": Query(states=LIVE, before=LATER),
    "of a target": Query(states=LIVE, target="here"),
    "with a label": Query(states=LIVE, labels={"team": "red"}),
    "databases": Query(states=LISTED),
    "databases, a later page": Query(states=LISTED, before=LATER),
    "databases of a caller": Query(states=LISTED, caller=CALLER),
    "of a caller": Query(states=LIVE, caller=CALLER),
    "of a caller, a later page": Query(states=LIVE, caller=CALLER, before=LATER),
    "of a caller in some states": Query(
        states=frozenset({State.READY, State.EXPIRED}), caller=CALLER, before=LATER
    ),
}

OTHER_QUERIES = {
    "the first page": Query(),
    "a later page": Query(before=LATER),
    "of a caller": Query(caller=CALLER, before=LATER),
    "in one state": Query(states=frozenset({State.DELETED}), before=LATER),
    "spares": Query(states=frozenset({State.SPARE}), target="here"),
    "templates of a caller": Query(states=frozenset({State.TEMPLATE}), caller=CALLER),
    "of a request": Query(idempotency_key=IDEMPOTENCY_KEY.key),
}

NAME_QUERIES = {
    f"{part}, {len(states)} states, {of}": replace(query, states=states, caller=caller)
    for part, query in {
        "database": Query(shape="", database="x"),
        "nickname": Query(shape="", nickname="x"),
    }.items()
    for of, caller in {"of a caller": CALLER, "of anybody": None}.items()
    for states in (STAYING, DELETING, LISTED)
}
"""Queries for the few records of one name, for which the order of a page may be sorted."""

BY_IDS = Query(ids=frozenset({"db_00001", "db_00002"}), limit=200)

DUE = Query(due=BEGIN + timedelta(days=1), target="here")

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("server", ["server_15", "server_18"], indirect=True)


@pytest.fixture
def registry(migrated_engine: AsyncEngine) -> SqlRegistry:
    return SqlRegistry(Executor(migrated_engine, migrated_engine))


@pytest.fixture
async def filled_registry(registry: SqlRegistry, migrated_engine: AsyncEngine) -> SqlRegistry:
    """A registry on a PostgreSQL server that knows how many records are live."""
    await insert_records(migrated_engine)
    return registry


@on_sqlite
@pytest.mark.parametrize("name", LIVE_QUERIES)
async def test_sqlite_lists_live_records_by_their_indexes(
    registry: SqlRegistry, migrated_engine: AsyncEngine, name: str
) -> None:
    query = LIVE_QUERIES[name]

    plan = await explain_in_sqlite(migrated_engine, lambda: registry.search(query))

    assert re.search(rf"USING INDEX {_index_for(query)}\b", plan)
    assert "TEMP B-TREE" not in plan


@on_postgres
async def test_postgresql_lists_and_counts_live_records_by_their_indexes(
    filled_registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    """Also in the generic plan of a statement that a session runs repeatedly."""
    for name, query in LIVE_QUERIES.items():
        for plan in await explain_in_postgres(
            migrated_engine, partial(filled_registry.search, query)
        ):
            assert re.search(rf"\b{_index_for(query)}\b", plan), name
    record = await filled_registry.add(new_record())
    for call in (
        partial(filled_registry.add, new_record(), quota=9),
        partial(filled_registry.update, record, quota=9),
    ):
        for plan in await explain_in_postgres(migrated_engine, call):
            assert "databases_live_caller" in plan


@on_sqlite
@pytest.mark.parametrize("name", OTHER_QUERIES)
async def test_sqlite_searches_by_an_index_and_in_its_order(
    registry: SqlRegistry, migrated_engine: AsyncEngine, name: str
) -> None:
    plan = await explain_in_sqlite(migrated_engine, lambda: registry.search(OTHER_QUERIES[name]))

    assert "USING" in plan
    assert "INDEX" in plan
    assert "TEMP B-TREE" not in plan


@on_sqlite
async def test_sqlite_finds_due_records_by_their_index(
    registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    plan = await explain_in_sqlite(migrated_engine, lambda: registry.search(DUE))

    assert "databases_wake_at (wake_at<?)" in plan


@on_sqlite
async def test_sqlite_counts_a_quota_by_the_index_of_live_records(
    registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    record = await registry.add(new_record())
    for call in (
        partial(registry.add, new_record(), quota=9),
        partial(registry.update, record, quota=9),
    ):
        plan = await explain_in_sqlite(migrated_engine, call)
        assert "databases_live_caller (caller=?)" in plan


@on_sqlite
async def test_sqlite_counts_states_without_reading_records_that_are_gone(
    registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    plan = await explain_in_sqlite(migrated_engine, registry.count_states)
    assert "USING COVERING INDEX databases_state (state=?)" in plan


@on_postgres
async def test_postgresql_counts_states_without_reading_records_that_are_gone(
    filled_registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    for plan in await explain_in_postgres(migrated_engine, filled_registry.count_states):
        assert re.search(r"\bdatabases_(live|database|owner|nickname|live_caller)\b", plan)


@on_sqlite
@pytest.mark.parametrize("name", NAME_QUERIES)
async def test_sqlite_finds_names_by_their_indexes(
    registry: SqlRegistry, migrated_engine: AsyncEngine, name: str
) -> None:
    query = NAME_QUERIES[name]

    plan = await explain_in_sqlite(migrated_engine, lambda: registry.search(query))

    assert f"USING INDEX {_name_index_for(query)}" in plan


@on_postgres
async def test_postgresql_finds_names_by_their_indexes(
    filled_registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    for name, query in NAME_QUERIES.items():
        for plan in await explain_in_postgres(
            migrated_engine, partial(filled_registry.search, query)
        ):
            assert _name_index_for(query) in plan, name


@on_sqlite
async def test_sqlite_lists_changes_by_their_index(
    registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    plan = await explain_in_sqlite(migrated_engine, lambda: registry.list_changes(BEGIN))
    assert "databases_changed_at (changed_at>?)" in plan
    plan = await explain_in_sqlite(migrated_engine, lambda: registry.search(BY_IDS))
    assert "(id=?)" in plan


@on_postgres
async def test_postgresql_lists_changes_by_their_index(
    filled_registry: SqlRegistry, migrated_engine: AsyncEngine
) -> None:
    calls: Mapping[str, Callable[[], Awaitable[object]]] = {
        "databases_changed_at": partial(filled_registry.list_changes, BEGIN),
        "databases_pkey": partial(filled_registry.search, BY_IDS),
    }
    for index, call in calls.items():
        for plan in await explain_in_postgres(migrated_engine, call):
            assert index in plan


def _name_index_for(query: Query) -> str:
    if query.database is not None:
        return "databases_database"
    return "databases_nickname"


def _index_for(query: Query) -> str:
    if query.labels:  # rare labels: PostgreSQL sorts what it finds among all live records
        return "databases_(live|database|owner)"
    return "databases_live_caller" if query.caller else "databases_live"
