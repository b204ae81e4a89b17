"""Servers that contain only objects of these tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.servers import OperatorsServer, operators_server


@pytest.fixture(scope="session", params=[15, 16, 18])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[OperatorsServer]:
    async with operators_server(request.param) as server:
        yield server
