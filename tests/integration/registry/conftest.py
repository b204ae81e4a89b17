"""Databases of every kind for a registry."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry import postgres
from adapters.registry.migration import migrate
from tests.integration.registry.proxied_registry import RegistryDatabase, create_registry_db
from tests.support.registries import (
    create_sqlite_engine,
    read_empty_file,
    registry_file,
    temporary_database,
)
from tests.support.servers import OperatorsServer, ram_folder


@pytest.fixture(params=["sqlite", "server_15", "server_18"])
def server(request: pytest.FixtureRequest) -> OperatorsServer | None:
    """A server, or None for SQLite. This fixture is synchronous, so that pytest-asyncio can start
    the session's servers."""
    is_file = request.param == "sqlite"
    found: OperatorsServer | None = None if is_file else request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def engine(server: OperatorsServer | None) -> AsyncIterator[AsyncEngine]:
    """The engine of an empty database."""
    async with empty_database(server) as engine:
        yield engine


@pytest.fixture
async def migrated_engine(engine: AsyncEngine) -> AsyncEngine:
    if file := engine.url.database:
        await asyncio.to_thread(Path(file).write_bytes, await read_empty_file())
    else:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    return engine


@pytest.fixture
async def registry_db(server_18: OperatorsServer) -> AsyncIterator[RegistryDatabase]:
    async with create_registry_db(server_18) as registry_db:
        yield registry_db


@asynccontextmanager
async def empty_database(server: OperatorsServer | None) -> AsyncIterator[AsyncEngine]:
    if server is None:
        with ram_folder() as folder:
            async with _closing(create_sqlite_engine(registry_file(folder))) as engine:
                yield engine
    else:
        async with (
            temporary_database(server) as url,
            _closing(postgres.create_registry_engine(url)) as engine,
        ):
            yield engine


@asynccontextmanager
async def _closing(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    try:
        yield engine
    finally:
        await engine.dispose()
