"""The memory of an idle service, and after thousands of creations and deletions."""

import asyncio

import psutil

from bench.results import Check, Report, Row, find_row
from bench.run import Run
from bench.server import SharedServer, open_server
from bench.service import Service, serve

CALLERS = 8
LIMIT = 1.1
"""The maximum ratio of the memory after the last creation to that after the first thousand."""

METHOD = "resident memory"
SAMPLES, PAUSE = 5, 0.2


async def measure(run: Run) -> Report:
    counts = run.pick((50, 100), (1_000, 3_000), (1_000, 10_000))
    async with (
        open_server(run.folder) as server,
        serve(run.folder / "service", **await _settings(server)) as service,
    ):
        rows, done = [await _sample(service, "idle")], 0
        for count in counts:
            await _create_and_delete(service, count - done)
            done = count
            rows.append(await _sample(service, _setting(count)))
    first, last = (find_row(rows, METHOD, _setting(count)) for count in counts)
    claim = f"{METHOD}, {last.setting}, times {first.setting}"
    check = Check(claim=claim, value=last.median / first.median, limit=LIMIT)
    return Report(rows=rows, checks=[check], unit="MiB")


def _setting(count: int) -> str:
    return f"after {count:,} creations"


async def _settings(server: SharedServer) -> dict[str, str]:
    """Return the settings of a service that creates in memory, which is fast, and keeps its records
    on a server as replicas do: its own memory should not grow."""
    url = await server.create_user_database("registry")
    return {"PGVEND_PROVIDER": "memory", "PGVEND_REGISTRY_URL": url}


async def _create_and_delete(service: Service, count: int) -> None:
    remaining = iter(range(count))

    async def call() -> None:
        for _ in remaining:
            await service.delete((await service.create())["id"])

    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(call())


async def _sample(service: Service, setting: str) -> Row:
    process, values = psutil.Process(service.process.pid), list[float]()
    for _ in range(SAMPLES):
        await asyncio.sleep(PAUSE)
        values.append(process.memory_info().rss / 2**20)
    return Row.from_values(METHOD, setting, values)
