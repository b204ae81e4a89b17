"""A database with a schema and data: copied, forked and pooled, against other ways to get one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from bench.copies import PYTHON, open_copies, open_pytest_postgresql
from bench.results import Check, Report
from bench.run import Run
from bench.server import SharedServer, open_server
from bench.service import Service, Unmeasurable, serve
from bench.turns import Load, Method, compare, take_turns

COPY, FORK, POOLED = "HTTP, template", "HTTP, fork", "HTTP, pool"
BY_HAND, RESTORE, PYTEST = "CREATE DATABASE TEMPLATE", "pg_restore", "pytest-postgresql"

TEMPLATE = "shop"
ROW_BYTES = 320
"""About the size of a row with its index entry."""

LIMITS = ((COPY, RESTORE, 1.0), (POOLED, PYTEST, 1.0))
"""Two methods, and the maximum ratio of the first to the second."""


async def measure(run: Run) -> Report:
    tables, megabytes = run.pick(10, 100), run.pick(5, 50)
    load = Load(1, rounds=run.pick(1, 5, 12), calls=run.pick(2, 3), seconds=90)
    async with open_server(run.folder) as server:
        schema = _build_schema(tables, megabytes)
        async with _open_methods(run, server, schema, load) as methods:
            turns = await take_turns(methods, load)
    rows = compare(turns, load.setting, BY_HAND)
    medians = {row.method: row.median for row in rows}
    checks = [
        Check(claim=f"{one}, times {other}", value=medians[one] / medians[other], limit=limit)
        for one, other, limit in LIMITS
        if other in medians
    ]
    return Report(rows=rows, checks=checks, parameters={"tables": tables, "megabytes": megabytes})


@asynccontextmanager
async def _open_methods(
    run: Run, server: SharedServer, schema: str, load: Load
) -> AsyncIterator[Sequence[Method]]:
    settings = server.settings()
    pool_size = f"default=0,{TEMPLATE}={load.calls_per_turn}"
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        plain = await enter(serve(run.folder / "plain", **settings, PGVEND_SPARES="default=0"))
        pool = await enter(serve(run.folder / "pool", **settings, PGVEND_SPARES=pool_size))
        source = await _create_template(plain, schema)
        await _create_template(pool, schema)
        copies = await enter(open_copies(server, run.folder, schema))
        methods = [
            Method(BY_HAND, copies.copy),
            Method(RESTORE, copies.restore),
            Method(COPY, partial(plain.create_with_undo, template=TEMPLATE)),
            Method(FORK, partial(plain.create_with_undo, **{"from": source})),
            Method(POOLED, partial(pool.create_with_undo, template=TEMPLATE)),
        ]
        if PYTHON.exists():
            other = await enter(open_pytest_postgresql(server))
            methods.insert(1, Method(PYTEST, other.create))
        yield [Method(each.name, each.call, pool.wait_for_spares) for each in methods]


async def _create_template(service: Service, schema: str) -> str:
    """Create a database, and a template from it; return the database's id."""
    created = await service.create("Bench source")
    await _execute(created["connection"], schema)
    body = {"name": TEMPLATE, "from": created["id"]}
    async with service.client.post("/v1/templates", json=body) as answer:
        if answer.status == 404:
            raise Unmeasurable("this version of pgvend has no templates")
        answer.raise_for_status()
    return str(created["id"])


async def _execute(connection: Mapping[str, Any], text: str) -> None:
    names = ("host", "port", "user", "password", "database")
    tenant = await asyncpg.connect(**{name: connection[name] for name in names}, ssl=False)
    await tenant.execute(text)
    await tenant.close()


def _build_schema(tables: int, megabytes: int) -> str:
    rows = megabytes * 2**20 // ROW_BYTES // tables
    return "".join(
        f"CREATE TABLE table_{number} (id bigint PRIMARY KEY, content text NOT NULL);"
        f"INSERT INTO table_{number} SELECT each, repeat(md5(each::text), 8) "
        f"FROM generate_series(1, {rows}) each;"
        for number in range(tables)
    )
