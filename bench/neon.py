"""Many vends at once on the Neon emulator, against the least time that its operations allow."""

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
from bench.subjects import served, vend_by_http
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.startup import open_emulator
from entrypoints.neon_emulator.state.emulator import Emulator

OPERATION_SECONDS = 0.3
CROWDS = (20, 50)

LIMIT = 1.1
"""How many times the serial minimum many vends at once may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many vends at once; times in seconds.

    `serial` is what a project, which takes one change at a time, needs for their operations alone:
    the sum of their durations, as Neon tells them.
    """

    vends: int
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


async def measured_crowds(folder: Path) -> list[Crowd]:
    """Through the service's HTTP, with the queue and the budget that it has."""
    knobs = Behaviour(operation_seconds=OPERATION_SECONDS)
    clock, log = SystemClock(), structlog.get_logger()
    async with (
        open_emulator(knobs, folder=folder, clock=clock, log=log) as emulator,
        _listening(emulator) as api,
        served(_settings(emulator, api), folder) as url,
        aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as client,
    ):
        await _crowd(emulator, client, 1)  # only warms up
        return [await _crowd(emulator, client, vends) for vends in CROWDS]


async def _crowd(emulator: Emulator, client: aiohttp.ClientSession, vends: int) -> Crowd:
    """They are not dropped: the whole account ends with the run."""
    operations = emulator.first.operations
    known, exchanged = len(operations.all), len(emulator.exchanges)
    begin = perf_counter()
    await asyncio.gather(*(vend_by_http(client) for _ in range(vends)))
    elapsed = perf_counter() - begin
    began = operations.all[known:]
    exchanges = list(emulator.exchanges)[exchanged:]
    return Crowd(
        vends=vends,
        elapsed=elapsed,
        operations=len(began),
        serial=sum(map(operations.measure_duration, began)),
        requests=len(exchanges),
        refusals=sum(status == 423 for _, _, status in exchanges),
    )


@asynccontextmanager
async def _listening(emulator: Emulator) -> AsyncIterator[str]:
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
