"""Lists and reconciliations with few and with many records."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from bench.records import fill_registry
from bench.results import Check, Report, Row
from bench.run import Run
from bench.service import Service, serve
from bench.turns import Load, Method, Undo, compare, nothing, take_turns
from domain.lifecycle import State
from ports.driven.registry import position_of
from ports.use_cases.pagination import encode_position

FEW = 1_000
LIMIT = 1.3
"""The maximum ratio of many records to few."""


async def measure(run: Run) -> Report:
    many = run.pick(5_000, 100_000)
    lists = await _compare(run, many, State.READY)
    reconciliations = await _compare(run, many, State.DELETED)
    rows = [*lists, *reconciliations]
    checks = [
        Check(claim=f"{row.method}, {row.setting}, times {FEW:,}", value=row.ratio, limit=LIMIT)
        for row in rows
        if row.ratio is not None
    ]
    return Report(rows=rows, checks=checks)


async def _compare(run: Run, many: int, state: State) -> list[Row]:
    """Return the rows of two services, one with few and one with many records of this state."""
    load = Load(1, rounds=run.pick(3, 20), calls=3, seconds=10)
    async with AsyncExitStack() as stack:
        few, much = [await _open(stack, run, count, state) for count in (FEW, many)]
        rows = list[Row]()
        for baseline, method in zip(few, much, strict=True):
            turns = await take_turns([baseline, method], load)
            rows += _separate(compare(turns, "", baseline.name))
    return rows


async def _open(stack: AsyncExitStack, run: Run, count: int, state: State) -> Sequence[Method]:
    """Run a service over that many records, and return the methods to measure with it."""
    folder = run.folder / f"{state}-{count}"
    records = await fill_registry(folder, count, state)
    settings = {"PGVEND_RECONCILE_INTERVAL": "0", "PGVEND_SPARES": "default=0"}
    service = await stack.enter_async_context(serve(folder, **settings))
    setting = f"{count:,} {state} records"
    if state is State.DELETED:
        return [Method(f"reconciliation|{setting}", partial(_reconcile, service))]
    token = encode_position(position_of(records[count // 10]))
    return [
        Method(f"first page|{setting}", partial(_list, service)),
        Method(f"page after nine tenths|{setting}", partial(_list, service, page_token=token)),
    ]


def _separate(rows: Sequence[Row]) -> list[Row]:
    """Separate the method of each row from its setting, and remove the ratio of the baseline to
    itself."""
    baseline, row = [
        replace(row, method=method, setting=setting)
        for row in rows
        for method, _, setting in [row.method.partition("|")]
    ]
    return [replace(baseline, ratio=None, ratio_spread=None), row]


async def _list(service: Service, **query: str) -> Undo:
    page = await service.request("GET", "/v1/databases", params=query)
    if len(page["databases"]) != 50 or not page["next_page_token"]:
        raise RuntimeError("the page is not complete")
    return nothing


async def _reconcile(service: Service) -> Undo:
    await service.request("POST", "/v1/reconciliations")
    return nothing
