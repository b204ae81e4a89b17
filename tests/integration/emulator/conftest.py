"""An emulator for each file: these tests break it, and leave in it what they made."""

from collections.abc import AsyncIterator

import pytest

from tests.support.neon.emulator import RunningEmulator, running_emulator


@pytest.fixture(scope="module")
async def neon() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running
