"""Servers of every kind, which every test leaves as they were."""

from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.postgres_under_test import Place, bundle, operated
from tests.support.servers import OperatorsServer

BUNDLED: Sequence[str] = ("bundled_16", "bundled_18")

SERVERS: Sequence[str] = ("server_15", "server_18", "bundled_16")
"""Memberships are of two kinds, up to 15 and since 16; the bundled one has a superuser's login.
All others that are promised are the contract's affair, and 18's bundled one that of the faults."""


@pytest.fixture(params=SERVERS)
def where(request: pytest.FixtureRequest) -> OperatorsServer | PostgresProvider:
    """Resolved outside the loop, where pytest-asyncio can start the session's servers."""
    found: OperatorsServer | PostgresProvider = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def place(where: OperatorsServer | PostgresProvider) -> AsyncIterator[Place]:
    """A server of every kind; every test leaves its roles and databases as they were."""
    if isinstance(where, PostgresProvider):
        async for checked in _left_as_it_was(bundle(where)):
            yield checked
    else:
        async with operated(where) as bare:
            async for checked in _left_as_it_was(bare):
                yield checked


@pytest.fixture
async def place_15(server_15: OperatorsServer) -> AsyncIterator[Place]:
    """The one that allows prepared transactions and has trusted extensions."""
    async with operated(server_15) as bare:
        async for checked in _left_as_it_was(bare):
            yield checked


@pytest.fixture(params=BUNDLED)
def bundled_where(request: pytest.FixtureRequest) -> PostgresProvider:
    found: PostgresProvider = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def bundled_place(bundled_where: PostgresProvider) -> AsyncIterator[Place]:
    async for checked in _left_as_it_was(bundle(bundled_where)):
        yield checked


async def _left_as_it_was(place: Place) -> AsyncIterator[Place]:
    before = await place.census()
    yield place
    assert await place.census() == before, "the test left something behind"
