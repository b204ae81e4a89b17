"""Creations at once on Neon: the service in two modes, and a client that tries five times."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from time import perf_counter

import aiohttp

from bench.emulator import NeonEmulator, emulate_neon
from bench.naive_neon import NaiveNeonClient
from bench.results import Check, Report, Row
from bench.run import Run
from bench.service import serve

LIMIT = 1.1
"""The maximum ratio of creations at once to the serial floor of mode `none`."""

WARM_UP_CREATIONS = 3
"""The first CREATE DATABASE of a new server takes up to ten times as long as later ones, and the
service expects operations to take as long as the only one that it knows."""

MIN_CREATIONS = 10
"""Smaller bursts are repeated until each method has created so many databases."""

FLOOR, FIVE_TRIES = "serial floor", "five tries"
MODES = {"none": "HTTP, mode none", "role": "HTTP, mode role"}

Create = Callable[[], Awaitable[bool]]
"""Creates a database, and returns whether it exists then."""


@dataclass(frozen=True)
class Bursts:
    """Creations at once, repeated: `times` are those of the creations, in seconds, `elapsed` the
    durations of the bursts. `floor` is the sum of the durations of Neon's operations: a project
    runs one after the other."""

    times: Sequence[float]
    elapsed: Sequence[float]
    floor: float
    failures: int


async def measure(run: Run) -> Report:
    sizes = {
        0.1: run.pick((1, 4), (1, 50), (1, 10, 20, 50)),
        0.3: run.pick((1, 4), (1, 20), (1, 10, 20, 50)),
    }
    creations = run.pick(1, MIN_CREATIONS)
    rows, checks = list[Row](), list[Check]()
    for seconds, numbers in sizes.items():
        async with _open_methods(run.folder / str(seconds), seconds) as (emulator, methods):
            for number in numbers:
                count = max(1, creations // number)
                bursts = {
                    name: await _run_bursts(emulator, create, number, count)
                    for name, create in methods.items()
                }
                setting = f"{number} at once, {seconds * 1000:.0f} ms"
                rows += _create_rows(bursts, setting)
                checks += _create_checks(bursts, setting)
    return Report(rows=rows, checks=checks, unit="s")


@asynccontextmanager
async def _open_methods(
    folder: Path, seconds: float
) -> AsyncIterator[tuple[NeonEmulator, Mapping[str, Create]]]:
    """Yield the emulator and the methods, each of which has created databases to warm up."""
    folder.mkdir()
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(emulate_neon(folder / "neon", seconds))
        methods = dict[str, Create]()
        for mode, name in MODES.items():
            settings = emulator.settings(mode)
            service = await stack.enter_async_context(serve(folder / mode, **settings))
            methods[name] = partial(_succeed, service.create)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        methods[FIVE_TRIES] = NaiveNeonClient(client, emulator).create
        for create in chain.from_iterable(repeat(methods.values(), WARM_UP_CREATIONS)):
            await create()
        yield emulator, methods


async def _succeed(create: Callable[[], Awaitable[object]]) -> bool:
    await create()
    return True


async def _run_bursts(emulator: NeonEmulator, create: Create, number: int, count: int) -> Bursts:
    """Create `number` databases at once, `count` times. They are not deleted: the account ends with
    the run."""
    known, times, failures = emulator.operations, list[list[float]](), 0
    for _ in range(count):
        ended, created = await _run_burst(create, number)
        times.append(ended)
        failures += created.count(False)
    return Bursts(
        times=list(chain.from_iterable(times)),
        elapsed=list(map(max, times)),
        floor=emulator.measure_operations(known),
        failures=failures,
    )


async def _run_burst(create: Create, number: int) -> tuple[list[float], list[bool]]:
    """Return when each creation ended, and whether its database exists."""
    begin, times = perf_counter(), list[float]()

    async def call() -> bool:
        is_created = await create()
        times.append(perf_counter() - begin)
        return is_created

    return times, await asyncio.gather(*(call() for _ in range(number)))


def _create_rows(bursts: Mapping[str, Bursts], setting: str) -> list[Row]:
    none = bursts[MODES["none"]]
    rows = [Row.from_values(FLOOR, setting, [none.floor / len(none.elapsed)], ratio=1.0)]
    for name, measured in bursts.items():
        remark = f"{measured.failures} failed" if measured.failures else ""
        ratio = sum(measured.elapsed) / none.floor
        rate = (len(measured.times) - measured.failures) / sum(measured.elapsed)
        more = {"per_second": rate, "ratio": ratio, "remark": remark}
        rows.append(Row.from_values(name, setting, measured.times, **more))
    return rows


def _create_checks(bursts: Mapping[str, Bursts], setting: str) -> list[Check]:
    floor = bursts[MODES["none"]].floor
    return [
        Check(
            claim=f"{name}, {setting}, times the serial floor",
            value=sum(bursts[name].elapsed) / floor,
            limit=LIMIT,
        )
        for name in MODES.values()
    ]
