"""Twenty minutes of creations and deletions: what the service holds on to."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import psutil

from bench import watched
from bench.results import Check, Report, Row
from bench.run import Run
from bench.service import Service, start

CALLERS = 4
LONGEST_HOLD = 2.0
"""Seconds that a caller keeps its database, at most."""

LIMITS = {"resident MiB": 1.1, "descriptors": 1.1, "server processes": 1.1, "tasks": 1.2}
"""The maximum ratio of the last fifth of the time to the second fifth: the first one warms up."""

SPARES = "default=4"
Sample = Mapping[str, float]


async def measure(run: Run) -> Report:
    seconds = run.pick(30, 1_200)
    folder = run.folder / "service"
    program = (sys.executable, watched.__file__)
    async with start(folder, program=program, PGVEND_SPARES=SPARES) as service:
        samples, creations = await _run_load(service, folder, seconds)
        leftovers = await _count_leftovers(service)
    rows = [row for name in samples[0] for row in _compare(name, samples)]
    checks = [
        Check(claim=f"{row.method}, {row.setting}", value=row.ratio or 0, limit=LIMITS[row.method])
        for row in rows[1::2]
        if row.method in LIMITS
    ]
    checks.append(Check(claim="databases and drift after the load", value=leftovers, limit=0))
    parameters = {"seconds": seconds, "creations": creations, "callers": CALLERS}
    return Report(rows=rows, checks=checks, parameters=parameters, unit="number")


async def _run_load(service: Service, folder: Path, seconds: float) -> tuple[Sequence[Sample], int]:
    """Return the samples, and the number of creations."""
    samples, created = list[Sample](), list[str]()
    end = perf_counter() + seconds
    async with asyncio.TaskGroup() as group:  # a caller that fails ends the run
        for number in range(CALLERS):
            group.create_task(_call(service, created, Random(number), lambda: perf_counter() < end))
        while perf_counter() < end:
            await asyncio.sleep(watched.INTERVAL)
            samples.append(await _sample(service, folder))
    return samples, len(created)


async def _call(
    service: Service, created: list[str], random: Random, goes_on: Callable[[], bool]
) -> None:
    while goes_on():
        database_id = (await service.create())["id"]
        created.append(database_id)
        await asyncio.sleep(random.uniform(0, LONGEST_HOLD))
        await service.delete(database_id)


async def _sample(service: Service, folder: Path) -> Sample:
    process = psutil.Process(service.process.pid)
    return {
        "resident MiB": process.memory_info().rss / 2**20,
        "descriptors": process.num_fds(),
        "server processes": len(process.children(recursive=True)),
        "tasks": int((folder / watched.FILE).read_text()),
        "spares": sum(level["ready"] for level in await service.list_spares()),
    }


async def _count_leftovers(service: Service) -> int:
    """Wait until the pool is full again. Return the number of databases and of differences between
    the records and the server."""
    await service.wait_for_spares()
    page = await service.request("GET", "/v1/databases")
    drift = await service.request("POST", "/v1/reconciliations", json={"dry_run": True})
    return len(page["databases"]) + len(drift["results"])


def _compare(name: str, samples: Sequence[Sample]) -> list[Row]:
    values = [sample[name] for sample in samples]
    fifth = max(1, len(values) // 5)
    early, late = values[fifth : 2 * fifth] or values[:fifth], values[-fifth:]
    ratio = median(late) / median(early) if median(early) else None
    return [
        Row.from_values(name, "second fifth", early),
        Row.from_values(name, "last fifth", late, ratio=ratio),
    ]
