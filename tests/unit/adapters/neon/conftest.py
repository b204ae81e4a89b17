"""Neon's API, of which nothing is there but what a test lays out."""

from collections.abc import AsyncIterator

import pytest

from tests.support.neon.wire import Wire, opened_wire


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with opened_wire() as opened:
        yield opened
