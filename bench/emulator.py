"""Neon's emulator for a service, and the time that its operations take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from adapters.system.clock import SystemClock
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.startup import open_emulator
from entrypoints.neon_emulator.state.emulator import Emulator


@dataclass(frozen=True)
class NeonEmulator:
    """A running emulator; `url` is the address of its API."""

    emulator: Emulator
    url: str

    def settings(self, isolation: str) -> dict[str, str]:
        project = self.emulator.first
        return {
            "NEON_API_URL": self.url,
            "NEON_API_KEY": self.emulator.key,
            "NEON_PROJECT_ID": project.id,
            "NEON_BRANCH_ID": project.branch.id,
            "NEON_HOST": self.emulator.host,
            "PGVEND_NEON_ISOLATION": isolation,
        }

    @property
    def operations(self) -> int:
        """The number of operations so far."""
        return len(self.emulator.first.operations.all)

    def measure_operations(self, since: int) -> float:
        """Return the seconds of the operations after the first `since`, one after the other, as a
        project runs them."""
        operations = self.emulator.first.operations
        return sum(map(operations.measure_duration, operations.all[since:]))


@asynccontextmanager
async def emulate_neon(folder: Path, operation_seconds: float) -> AsyncIterator[NeonEmulator]:
    """Run the emulator with operations of this duration."""
    folder.mkdir()
    behaviour = Behaviour(operation_seconds=operation_seconds)
    clock, log = SystemClock(), structlog.get_logger()
    async with open_emulator(behaviour, folder=folder, clock=clock, log=log) as emulator:
        runner = web.AppRunner(emulator.app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, emulator.host, 0).start()
            address = f"http://{emulator.host}:{runner.addresses[0][1]}/api/v2"
            yield NeonEmulator(emulator, address)
        finally:
            await runner.cleanup()
