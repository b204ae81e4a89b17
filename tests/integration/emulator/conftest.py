"""One emulator for this folder, whose tests break it and leave objects in it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.neon.emulator import RunningEmulator, running_emulator


@pytest.fixture(scope="package")
async def neon() -> AsyncIterator[RunningEmulator]:
    """The folder's emulator; it checks at the end that every exchange conformed."""
    async with running_emulator() as running:
        yield running
