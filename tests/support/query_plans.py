"""Plans of the last statement that a call runs, and records to plan for."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Statement = tuple[str, Sequence[Any]]

INSERT_RECORDS = """
INSERT INTO databases (
    id, nickname, database, owner, target, provider, isolation, caller, promised, suffixable,
    state, labels, extensions, created_at, rotation, history, failures, version
) SELECT
    'db_' || lpad(number::text, 5, '0'), 'x' || number, 'x' || number, 'x' || number, 'here',
    'memory', 'role', 'caller ' || number % 500, true, true,
    CASE WHEN number % 19 = 0 THEN 'ready' ELSE 'deleted' END, '{}', '[]',
    timestamptz '2026-01-01 00:00:00+00' + number * interval '1 second', 0, '[]', 0, 1
FROM generate_series(1, 10000) AS number
"""


async def insert_records(engine: AsyncEngine) -> None:
    """Insert ten thousand records on a PostgreSQL server, and let it know how many are live."""
    async with engine.connect() as connection:
        await connection.exec_driver_sql(INSERT_RECORDS)
        await connection.exec_driver_sql("ANALYZE databases")


async def explain_in_sqlite(engine: AsyncEngine, call: Callable[[], Awaitable[object]]) -> str:
    statement, values = await _record_statement(engine, call)
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return "\n".join(str(row[-1]) for row in rows)


async def explain_in_postgres(
    engine: AsyncEngine, call: Callable[[], Awaitable[object]]
) -> Sequence[str]:
    """Return the plan for the call's values, and the generic plan."""
    statement, values = await _record_statement(engine, call)
    no_values = ", ".join(["NULL"] * len(values))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        await connection.exec_driver_sql(f"PREPARE recorded AS {statement}")
        plans = [
            await _fetch_plan(connection, f"EXPLAIN {statement}", values),
            await _fetch_plan(connection, f"EXPLAIN EXECUTE recorded ({no_values})"),
        ]
        await connection.exec_driver_sql("DEALLOCATE recorded")
    return plans


async def _fetch_plan(connection: AsyncConnection, query: str, values: Sequence[Any] = ()) -> str:
    rows = await connection.exec_driver_sql(query, tuple(values))
    return "\n".join(row[0] for row in rows)


async def _record_statement(
    engine: AsyncEngine, call: Callable[[], Awaitable[object]]
) -> Statement:
    """Return the last statement that the call runs, with its values."""
    statements: list[Statement] = []

    def listen(*arguments: Any) -> None:
        statements.append(arguments[2:4])

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    await call()
    event.remove(engine.sync_engine, "before_cursor_execute", listen)
    return statements[-1]
