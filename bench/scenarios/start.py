"""The time until a service is ready, and that of its PostgreSQL alone."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp
import structlog

from adapters.embedded.account import prepare_account
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import SUPERUSER
from adapters.embedded.initdb import create_cluster
from adapters.embedded.postmaster import Postmaster
from adapters.embedded.programs import Programs, load_programs
from adapters.embedded.server import get_server_uid, open_short_path
from adapters.embedded.server_log import ServerLog
from adapters.system.clock import SystemClock
from bench.results import Check, Report, Row
from bench.run import Run
from bench.service import POLL_INTERVAL, Service, serve

LIMIT = 1000.0
"""The maximum of milliseconds beyond PostgreSQL's own start."""

FIRST, LATER = "first start", "later start"
POSTGRES, SERVICE = "PostgreSQL alone", "service ready"


async def measure(run: Run) -> Report:
    """Measure new folders; the first one only warms up."""
    programs = await load_programs(None, await prepare_account())
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(1 + run.pick(1, 5, 10)):
        taken = await _measure_folder(run.folder / f"{number}", programs)
        for key, seconds in taken.items() if number else ():
            times[key].append(seconds)
    rows = [Row.from_seconds(method, setting, each) for (setting, method), each in times.items()]
    return Report(rows=rows, checks=[_check(times, setting) for setting in (FIRST, LATER)])


async def _measure_folder(folder: Path, programs: Programs) -> dict[tuple[str, str], float]:
    """Measure in the order in which the folder needs it."""
    first = await _start_service(folder)
    initdb = await _run_initdb(folder / "initdb", programs)
    alone = await _start_postgres(folder / "data" / "embedded", programs)
    later = await _start_service(folder)
    return {
        (FIRST, POSTGRES): initdb + alone,
        (FIRST, SERVICE): first,
        (LATER, POSTGRES): alone,
        (LATER, SERVICE): later,
    }


def _check(times: dict[tuple[str, str], list[float]], setting: str) -> Check:
    pairs = zip(times[setting, SERVICE], times[setting, POSTGRES], strict=True)
    beyond = median(service - alone for service, alone in pairs) * 1000
    return Check(claim=f"ms beyond PostgreSQL, {setting}", value=beyond, limit=LIMIT)


async def _start_service(folder: Path) -> float:
    begin = perf_counter()
    async with serve(folder) as service:
        await _wait_until_ready(service)
        return perf_counter() - begin


async def _wait_until_ready(service: Service) -> None:
    while True:
        try:
            async with service.client.get("/readyz") as answer:
                if answer.ok:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(POLL_INTERVAL)


async def _run_initdb(folder: Path, programs: Programs) -> float:
    folder.mkdir()
    begin = perf_counter()
    await create_cluster(Cluster(folder), programs)
    return perf_counter() - begin


async def _start_postgres(folder: Path, programs: Programs) -> float:
    async with _open_postmaster(Cluster(folder), programs) as postmaster:
        begin = perf_counter()
        await postmaster.start()
        return perf_counter() - begin


@asynccontextmanager
async def _open_postmaster(cluster: Cluster, programs: Programs) -> AsyncIterator[Postmaster]:
    """Yield the stopped server in the folder of a service that has ended."""
    async with AsyncExitStack() as stack:
        port = cluster.saved_port or 0
        login = {
            "host": open_short_path(cluster.data, port, stack),
            "port": port,
            "database": "postgres",
            "server_user": get_server_uid(programs.account),
            "user": SUPERUSER,
        }
        server_log = ServerLog(cluster)
        stack.callback(server_log.close)
        log = structlog.get_logger()
        postmaster = Postmaster(cluster, programs, server_log, login, SystemClock(), log)
        stack.push_async_callback(postmaster.stop)
        yield postmaster
