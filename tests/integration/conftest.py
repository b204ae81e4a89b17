"""Servers of every kind. Every test leaves their roles and databases unchanged."""

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
"""Servers that differ for the provider: since PostgreSQL 16, memberships have options, and only the
bundled server has a superuser's login. The contract tests run on every supported server, the tests
of faults on the bundled PostgreSQL 18."""


@pytest.fixture(params=SERVERS)
def where(request: pytest.FixtureRequest) -> OperatorsServer | PostgresProvider:
    """Return a server. This fixture is synchronous, so that pytest-asyncio can start the session's
    servers."""
    server: OperatorsServer | PostgresProvider = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def postgres(where: OperatorsServer | PostgresProvider) -> AsyncIterator[PostgresUnderTest]:
    """Yield a server of every kind, and check that its roles and databases stay unchanged."""
    if isinstance(where, PostgresProvider):
        async for checked in _check_unchanged(bundled_under_test(where)):
            yield checked
    else:
        async with operators_under_test(where) as postgres:
            async for checked in _check_unchanged(postgres):
                yield checked


@pytest.fixture
async def postgres_15(server_15: OperatorsServer) -> AsyncIterator[PostgresUnderTest]:
    """Yield the server that allows prepared transactions and has trusted extensions."""
    async with operators_under_test(server_15) as postgres:
        async for checked in _check_unchanged(postgres):
            yield checked


@pytest.fixture
async def postgres_18(server_18: OperatorsServer) -> AsyncIterator[PostgresUnderTest]:
    """Yield one server, for behaviour that does not depend on the version or the kind of server."""
    async with operators_under_test(server_18) as postgres:
        yield postgres


@pytest.fixture(params=BUNDLED)
def bundled_server(request: pytest.FixtureRequest) -> PostgresProvider:
    server: PostgresProvider = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def bundled_postgres(bundled_server: PostgresProvider) -> AsyncIterator[PostgresUnderTest]:
    async for checked in _check_unchanged(bundled_under_test(bundled_server)):
        yield checked


async def _check_unchanged(postgres: PostgresUnderTest) -> AsyncIterator[PostgresUnderTest]:
    before = await postgres.list_names()
    yield postgres
    assert await postgres.list_names() == before, "the test left something behind"
