"""Databases of every kind for a registry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry import postgres, sqlite
from adapters.registry.migration import migrate
from tests.integration.registry.proxied_registry import Home, new_home
from tests.support.registries import own_database, registry_file
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
async def migrated(engine: AsyncEngine) -> AsyncEngine:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    return engine


@pytest.fixture
async def home(server_18: OperatorsServer) -> AsyncIterator[Home]:
    async with new_home(server_18) as home:
        yield home


@asynccontextmanager
async def empty_database(server: OperatorsServer | None) -> AsyncIterator[AsyncEngine]:
    if server is None:
        with ram_folder() as folder:
            async with _closing(sqlite.engine_of(registry_file(folder), connections=1)) as engine:
                yield engine
    else:
        async with own_database(server) as url, _closing(postgres.engine_of(url)) as engine:
            yield engine


@asynccontextmanager
async def _closing(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    try:
        yield engine
    finally:
        await engine.dispose()
