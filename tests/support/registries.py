"""Registries for one test each, and records for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from adapters.registry.opening import Opened, opened_postgres, opened_sqlite
from domain.database import Database
from domain.request import RequestMark
from ports.driven.registry import Registry
from tests.support.orders import unique_name
from tests.support.places import session
from tests.support.records import new_record
from tests.support.servers import OperatorsServer, ram_folder

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

MARK = RequestMark(key="the key's digest", body="the body's digest")


@asynccontextmanager
async def own_database(server: OperatorsServer) -> AsyncIterator[str]:
    """The URL of a new database that the server's admin owns. It can only be dropped at the end
    because nobody is logged in to it any more."""
    name = unique_name("registry").replace(" ", "_")
    await sql(server.superuser_dsn, f'CREATE DATABASE "{name}" OWNER admin')
    try:
        yield server.dsn(database=name)
    finally:
        await sql(server.superuser_dsn, f'DROP DATABASE "{name}"')


@asynccontextmanager
async def in_sqlite() -> AsyncIterator[Opened]:
    with ram_folder() as folder:
        async with opened_sqlite(registry_file(folder)) as opened:
            yield opened


@asynccontextmanager
async def in_postgres(server: OperatorsServer) -> AsyncIterator[Opened]:
    async with own_database(server) as url, opened_postgres(url) as opened:
        yield opened


def registry_file(folder: Path) -> Path:
    return folder / "registry.sqlite3"


async def three(registry: Registry) -> list[Database]:
    """Kept in another order than they were made in; returned in the order they were made in."""
    made = [new_record(made=BEGIN + timedelta(seconds=second)) for second in range(3)]
    kept = {index: await registry.add(made[index]) for index in (1, 2, 0)}
    return [kept[index] for index in range(3)]


async def sql(url: str, query: str) -> list[asyncpg.Record]:
    """What another session on the registry's server says."""
    async with session({"dsn": url}) as other:
        return list(await other.fetch(query))
