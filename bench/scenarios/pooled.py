"""A creation that claims a spare, against the floor and against a cold creation."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from bench import empty_service
from bench.floor import Floor, open_journal
from bench.results import Check, Report, Row, find_row
from bench.run import Run
from bench.server import open_server
from bench.service import Service, serve, start
from bench.turns import Load, Method, compare, take_turns

FLOOR, POOLED, COLD = "floor", "HTTP with a pool", "HTTP without"

FLOOR_LIMIT = 1.5
"""The maximum ratio of a pooled creation to the floor, with one caller."""

COLD_LIMIT = 15.0
"""The minimum ratio of a cold creation to a pooled one, with one caller."""

RATE_LIMIT = 10.0
"""The minimum ratio of the creations per second with eight callers."""


async def measure(run: Run) -> Report:
    loads = [
        Load(1, rounds=run.pick(1, 16, 20), calls=run.pick(4, 12), seconds=90),
        Load(8, rounds=run.pick(1, 5, 10), calls=run.pick(16, 40), seconds=60),
    ]
    rows = list[Row]()
    for load in loads:
        async with _open_methods(run, load) as methods:
            rows += compare(await take_turns(methods, load), load.setting, FLOOR)
    spares = {load.setting: load.calls_per_turn for load in loads}
    return Report(rows=rows, checks=_create_checks(rows), parameters={"spares": spares})


@asynccontextmanager
async def _open_methods(run: Run, load: Load) -> AsyncIterator[Sequence[Method]]:
    """Yield the methods on one server, with a pool for all calls of a turn."""
    folder, count = run.folder / f"{load.callers}", load.calls_per_turn
    folder.mkdir()
    program = (sys.executable, empty_service.__file__)
    with open_journal(folder / "journal") as journal:
        async with (
            open_server(folder) as server,
            start(folder / "empty", program=program) as empty,
            serve(folder / "cold", **server.settings(), PGVEND_SPARES="default=0") as cold,
            serve(folder / "pool", **server.settings(), PGVEND_SPARES=f"default={count}") as pool,
        ):
            floor = Floor(server, empty, journal)
            yield [
                Method(FLOOR, floor, partial(_fill, floor, count, pool)),
                Method(POOLED, pool.create_with_undo, pool.wait_for_spares),
                Method(COLD, cold.create_with_undo, pool.wait_for_spares),
            ]


async def _fill(floor: Floor, count: int, pool: Service) -> None:
    """Fill both, so that the measured turn does not meet the refill of the one before."""
    await pool.wait_for_spares()
    await floor.fill(count)


def _create_checks(rows: Sequence[Row]) -> list[Check]:
    (pooled, cold), (pooled_8, cold_8) = [
        [find_row(rows, method, setting) for method in (POOLED, COLD)]
        for setting in ("1 at once", "8 at once")
    ]
    faster = cold.median / pooled.median
    rates = (pooled_8.per_second or 0) / (cold_8.per_second or 1)
    return [
        Check(
            claim="pooled, 1 at once, times the floor", value=pooled.ratio or 0, limit=FLOOR_LIMIT
        ),
        Check(claim="cold, 1 at once, times pooled", value=faster, limit=COLD_LIMIT, at_least=True),
        Check(
            claim="pooled per second, 8 at once, times cold",
            value=rates,
            limit=RATE_LIMIT,
            at_least=True,
        ),
    ]
