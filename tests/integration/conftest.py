"""Servers of every kind, which every test leaves as they were."""

from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.postgres.provider import PostgresProvider
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    bundled_under_test,
    operators_under_test,
)
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
async def postgres(where: OperatorsServer | PostgresProvider) -> AsyncIterator[PostgresUnderTest]:
    """A server of every kind; every test leaves its roles and databases as they were."""
    if isinstance(where, PostgresProvider):
        async for checked in _check_left_unchanged(bundled_under_test(where)):
            yield checked
    else:
        async with operators_under_test(where) as bare:
            async for checked in _check_left_unchanged(bare):
                yield checked


@pytest.fixture
async def postgres_15(server_15: OperatorsServer) -> AsyncIterator[PostgresUnderTest]:
    """The one that allows prepared transactions and has trusted extensions."""
    async with operators_under_test(server_15) as bare:
        async for checked in _check_left_unchanged(bare):
            yield checked


@pytest.fixture(params=BUNDLED)
def bundled_server(request: pytest.FixtureRequest) -> PostgresProvider:
    found: PostgresProvider = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def bundled_postgres(bundled_server: PostgresProvider) -> AsyncIterator[PostgresUnderTest]:
    async for checked in _check_left_unchanged(bundled_under_test(bundled_server)):
        yield checked


async def _check_left_unchanged(postgres: PostgresUnderTest) -> AsyncIterator[PostgresUnderTest]:
    before = await postgres.list_names()
    yield postgres
    assert await postgres.list_names() == before, "the test left something behind"
