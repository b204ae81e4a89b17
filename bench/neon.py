"""Many creations at once on the Neon emulator, compared with the minimum time of its operations."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import aiohttp
import structlog
from aiohttp import web

from adapters.system.clock import SystemClock
from bench.methods import create_by_http, serve
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.startup import open_emulator
from entrypoints.neon_emulator.state.emulator import Emulator

OPERATION_SECONDS = 0.3
BURSTS = (20, 50)

LIMIT = 1.1
"""The maximum ratio of many creations at once to the serial minimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Creations at once; times in seconds.

    `serial` is the sum of the durations of their operations, as Neon reports them: a project runs
    one change at a time.
    """

    creations: int
    elapsed: float
    operations: int
    serial: float
    requests: int
    refusals: int

    @property
    def ratio(self) -> float:
        return self.elapsed / self.serial

    @property
    def fits(self) -> bool:
        return self.ratio <= LIMIT


async def measure_bursts(folder: Path) -> list[Burst]:
    """Measure over HTTP, with the queue and the budget of the service."""
    behaviour = Behaviour(operation_seconds=OPERATION_SECONDS)
    clock, log = SystemClock(), structlog.get_logger()
    async with (
        open_emulator(behaviour, folder=folder, clock=clock, log=log) as emulator,
        _listen(emulator) as api,
        serve(_settings(emulator, api), folder) as url,
        aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as client,
    ):
        await _run_burst(emulator, client, 1)  # only warms up
        return [await _run_burst(emulator, client, creations) for creations in BURSTS]


async def _run_burst(emulator: Emulator, client: aiohttp.ClientSession, creations: int) -> Burst:
    """Create the databases at once. They are not deleted: the account ends with the run."""
    operations = emulator.first.operations
    known, exchanged = len(operations.all), len(emulator.exchanges)
    begin = perf_counter()
    await asyncio.gather(*(create_by_http(client) for _ in range(creations)))
    elapsed = perf_counter() - begin
    began = operations.all[known:]
    exchanges = list(emulator.exchanges)[exchanged:]
    return Burst(
        creations=creations,
        elapsed=elapsed,
        operations=len(began),
        serial=sum(map(operations.measure_duration, began)),
        requests=len(exchanges),
        refusals=sum(status == 423 for _, _, status in exchanges),
    )


@asynccontextmanager
async def _listen(emulator: Emulator) -> AsyncIterator[str]:
    runner = web.AppRunner(emulator.app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, emulator.host, 0).start()
        yield f"http://{emulator.host}:{runner.addresses[0][1]}/api/v2"
    finally:
        await runner.cleanup()


def _settings(emulator: Emulator, api: str) -> Mapping[str, str]:
    return {
        "NEON_API_URL": api,
        "NEON_API_KEY": emulator.key,
        "NEON_PROJECT_ID": emulator.first.id,
        "NEON_BRANCH_ID": emulator.first.branch.id,
        "NEON_HOST": emulator.host,
        "PGVEND_NEON_ISOLATION": "none",
    }
