"""One emulator for this folder: its tests break it, and leave in it what they made."""

from collections.abc import AsyncIterator

import pytest

from tests.support.neon.emulator import RunningEmulator, running_emulator


@pytest.fixture(scope="package")
async def neon() -> AsyncIterator[RunningEmulator]:
    """At its end, every exchange is as Neon describes it."""
    async with running_emulator() as running:
        yield running
