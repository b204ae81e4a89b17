"""Creations and deletions on a server with few and with many databases."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bench.results import Check, Report, Row
from bench.run import Run
from bench.service import Service, serve
from bench.turns import Load, Method, Undo, compare, take_turns

FEW = 10
LIMIT = 1.3
"""The maximum ratio of many databases to few."""

CREATE, DELETE = "create", "delete"
FILLERS = 8
CALLS = 4

_SETTINGS = {"PGVEND_SPARES": "default=0"}


@dataclass
class Deletions:
    """Deletions of databases that were created before. A caller waits for the response only."""

    service: Service
    ids: list[str] = field(default_factory=list)

    async def prepare(self) -> None:
        for _ in range(CALLS):
            self.ids.append((await self.service.create())["id"])

    async def __call__(self) -> Undo:
        database_id = self.ids.pop()
        await self.service.request("DELETE", f"/v1/databases/{database_id}")
        return partial(self.service.delete, database_id)


async def measure(run: Run) -> Report:
    sizes = run.pick((20,), (100, 1_000), (100, 1_000, 3_000))
    load = Load(1, rounds=run.pick(1, 6, 15), calls=CALLS, seconds=20)
    rows = list[Row]()
    async with (
        serve(run.folder / "few", **_SETTINGS) as few,
        serve(run.folder / "many", **_SETTINGS) as many,
    ):
        await _fill(few, FEW)
        filled = 0
        for size in sizes:
            await _fill(many, size - filled)
            filled = size
            for name, methods in _create_methods(few, many).items():
                turns = await take_turns(methods, load)
                rows += _create_rows(name, compare(turns, "", "few"), size)
    return Report(rows=rows, checks=list(map(_check, rows[1::2])))


def _create_methods(few: Service, many: Service) -> dict[str, list[Method]]:
    sides = {"few": few, "many": many}
    deletions = {name: Deletions(service) for name, service in sides.items()}
    return {
        CREATE: [Method(name, service.create_with_undo) for name, service in sides.items()],
        DELETE: [Method(name, each, each.prepare) for name, each in deletions.items()],
    }


def _create_rows(name: str, rows: list[Row], size: int) -> list[Row]:
    few, many = rows
    baseline: dict[str, Any] = {"ratio": None, "ratio_spread": None}
    return [
        replace(few, method=name, setting=f"{FEW} databases, against {size:,}", **baseline),
        replace(many, method=name, setting=f"{size:,} databases"),
    ]


def _check(row: Row) -> Check:
    claim = f"{row.method}, {row.setting}, times {FEW} databases"
    return Check(claim=claim, value=row.ratio or 0, limit=LIMIT)


async def _fill(service: Service, count: int) -> None:
    remaining = iter(range(count))

    async def create_all() -> None:
        for _ in remaining:
            await service.create()

    async with asyncio.TaskGroup() as fillers:
        for _ in range(FILLERS):
            fillers.create_task(create_all())
