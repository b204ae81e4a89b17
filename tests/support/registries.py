"""A registry for each test, and records for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.registry import postgres
from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.stores import Stores, open_sqlite_stores
from adapters.system.leases import InProcessLeases
from domain.database import Database
from domain.idempotency import IdempotencyKey
from ports.driven.registry import Registry
from tests.support.postgres_under_test import session
from tests.support.provision_requests import unique_name
from tests.support.records import new_record
from tests.support.servers import OperatorsServer, ram_folder

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

_TRUNCATE_ALL = """
DO $$ BEGIN
    SET LOCAL session_replication_role = replica;  -- the audit log refuses TRUNCATE otherwise
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('%I', tablename), ', ') FROM pg_tables
             WHERE schemaname = 'public' AND tablename <> 'pgvend_revision');
END $$
"""

IDEMPOTENCY_KEY = IdempotencyKey(key="the key's digest", body="the body's digest")


@asynccontextmanager
async def temporary_database(server: OperatorsServer) -> AsyncIterator[str]:
    """Yield the URL of a new database that the server's admin owns. Dropping it at the end fails if
    a session is still open."""
    url = await _new_database(server)
    try:
        yield url
    finally:
        await run_sql(server.superuser_dsn, f"DROP DATABASE {_name_in(url)}")


async def _new_database(server: OperatorsServer) -> str:
    name = unique_name("registry").replace(" ", "_")
    await run_sql(server.superuser_dsn, f'CREATE DATABASE "{name}" OWNER admin')
    return server.dsn(database=name)


def _name_in(url: str) -> str:
    return f'"{url.rpartition("/")[2]}"'


_EMPTY_DATABASES: dict[OperatorsServer, list[str]] = {}
"""The databases on each server with empty tables."""


@asynccontextmanager
async def empty_database(server: OperatorsServer) -> AsyncIterator[str]:
    """Yield the URL of a database with a registry's tables, which are emptied after each test."""
    empty = _EMPTY_DATABASES.setdefault(server, [])
    if not empty:
        empty.append(await _new_database(server))
        await run_sql(
            server.superuser_dsn, f"REVOKE ALL ON DATABASE {_name_in(empty[-1])} FROM PUBLIC"
        )
        await postgres.prepare(empty[-1])
    url = empty.pop()
    yield url
    await run_sql(url.replace("//admin:", "//postgres:"), _TRUNCATE_ALL)
    empty.append(url)


_EMPTY_FILES: list[bytes] = []
"""The file of an empty registry, as soon as there was one: tables take 30 ms to create."""


async def read_empty_file() -> bytes:
    """Return the file of an empty registry."""
    if not _EMPTY_FILES:
        with ram_folder() as folder:
            async with open_sqlite_stores(registry_file(folder), InProcessLeases()):
                pass
            _EMPTY_FILES.append(registry_file(folder).read_bytes())
    return _EMPTY_FILES[0]


@asynccontextmanager
async def stores_in_sqlite() -> AsyncIterator[Stores]:
    with ram_folder() as folder:
        registry_file(folder).write_bytes(await read_empty_file())
        async with open_sqlite_stores(registry_file(folder), InProcessLeases()) as opened:
            yield opened


@asynccontextmanager
async def stores_in_postgres(server: OperatorsServer) -> AsyncIterator[Stores]:
    async with empty_database(server) as url, open_postgres_stores(url) as opened:
        yield opened


def create_sqlite_engine(file: Path) -> AsyncEngine:
    """Return an engine like those of PostgreSQL, for tests that run on both."""
    return create_async_engine(f"sqlite+aiosqlite:///{file}", isolation_level="AUTOCOMMIT")


def registry_file(folder: Path) -> Path:
    return folder / "registry.sqlite3"


async def add_three(registry: Registry) -> list[Database]:
    """Add three records in another order than that of their creation. Return them in order of
    creation."""
    new = [new_record(created_at=BEGIN + timedelta(seconds=second)) for second in range(3)]
    added = {index: await registry.add(new[index]) for index in (1, 2, 0)}
    return [added[index] for index in range(3)]


async def run_sql(url: str, query: str) -> list[asyncpg.Record]:
    """Run a query in another session, and return its rows."""
    async with session({"dsn": url}) as other:
        return list(await other.fetch(query))
