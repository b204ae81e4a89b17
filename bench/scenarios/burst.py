"""More requests at once than there are spares."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from time import perf_counter

from bench.results import Check, Report, Row
from bench.run import Run
from bench.server import open_server
from bench.service import Service, serve

POOLED, COLD = "with a pool", "without"

LIMIT = 1.1
"""The maximum ratio of the time between two cold creations with a pool to that without."""


@dataclass(frozen=True)
class Burst:
    """The seconds from the first request to each response, in order."""

    times: Sequence[float]

    def pace(self, skipped: int) -> float:
        """Return the seconds from one response to the next after the first ones."""
        begin = self.times[skipped - 1] if skipped else 0
        return (self.times[-1] - begin) / (len(self.times) - skipped)


async def measure(run: Run) -> Report:
    spares, requests = run.pick(4, 50), run.pick(16, 200)
    bursts: dict[str, list[Burst]] = {POOLED: [], COLD: []}
    async with open_server(run.folder) as server:
        settings = server.settings()
        async with (
            serve(run.folder / "cold", **settings, PGVEND_SPARES="default=0") as cold,
            serve(run.folder / "pool", **settings, PGVEND_SPARES=f"default={spares}") as pool,
        ):
            services = {POOLED: pool, COLD: cold}
            orders = cycle([(POOLED, COLD), (COLD, POOLED)])
            for _, order in zip(range(run.pick(1, 2, 5)), orders, strict=False):
                for name in order:
                    await pool.wait_for_spares()
                    bursts[name].append(await _run_burst(services[name], requests))
    rows = [row for name, each in bursts.items() for row in _create_rows(name, each, spares)]
    parameters = {"spares": spares, "requests": requests, "failed": 0}
    return Report(rows=rows, checks=[_check(bursts, spares)], parameters=parameters)


async def _run_burst(service: Service, requests: int) -> Burst:
    """Send the requests at once. A request that fails ends the run with its error."""
    times, begin = list[float](), perf_counter()

    async def create() -> str:
        created = await service.create()
        times.append(perf_counter() - begin)
        return str(created["id"])

    ids = await asyncio.gather(*(create() for _ in range(requests)))
    await service.delete_all(ids)
    return Burst(times)


def _create_rows(name: str, bursts: Sequence[Burst], spares: int) -> list[Row]:
    """Return a row for the first response, the last one that could have a spare, and the last."""
    size = len(bursts[0].times)
    return [
        Row.from_seconds(name, f"response {number}", [burst.times[number - 1] for burst in bursts])
        for number in (1, spares, size)
    ]


def _check(bursts: dict[str, list[Burst]], spares: int) -> Check:
    pairs = zip(bursts[POOLED], bursts[COLD], strict=True)
    ratio = median(pooled.pace(spares) / cold.pace(0) for pooled, cold in pairs)
    claim = "time between cold responses with a pool, times without"
    return Check(claim=claim, value=ratio, limit=LIMIT)
