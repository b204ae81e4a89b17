"""The first page of a long list, compared with one deep in it."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp
from sqlalchemy import Connection, insert

from adapters.registry.rows import row_from_database
from adapters.registry.schema import DATABASES
from adapters.registry.sqlite import LOCK_TIMEOUT, create_registry_engine, prepare
from bench.methods import serve
from domain.database import Database
from domain.ids import RANDOM_BYTES, new_id
from domain.lifecycle import State
from domain.names import Nickname
from domain.targets import Isolation, Target

RECORDS = 100_000
ROUNDS = 100
BATCH = 5_000

LIMIT = 1.5
"""The maximum ratio of a deep page to the first one."""

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_TARGET = Target(name="embedded", provider="embedded", isolation=Isolation.ROLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Times of one request over HTTP, in milliseconds; `ratio` is the median of each round's."""

    records: int
    first_ms: float
    deep_ms: float
    ratio: float

    @property
    def fits(self) -> bool:
        return self.ratio <= LIMIT


async def measure_pages(folder: Path) -> Pages:
    """Measure `pgvend serve` over RECORDS records; the deep page is after nine tenths."""
    ids = await _fill(folder / "data" / "registry.sqlite3")
    deep = urlsafe_b64encode(ids[RECORDS // 10].encode()).decode()
    settings = {"PGVEND_DATA_DIR": str(folder / "data"), "PGVEND_RECONCILE_INTERVAL": "0"}
    async with serve(settings, folder) as url, aiohttp.ClientSession(url) as client:
        rounds = [await _run_round(client, deep) for _ in range(ROUNDS + 5)][5:]
    return Pages(
        records=RECORDS,
        first_ms=round(median(first for first, _ in rounds) * 1000, 2),
        deep_ms=round(median(deep for _, deep in rounds) * 1000, 2),
        ratio=round(median(deep / first for first, deep in rounds), 3),
    )


async def _run_round(client: aiohttp.ClientSession, token: str) -> tuple[float, float]:
    return await _measure_request(client, {}), await _measure_request(client, {"page_token": token})


async def _measure_request(client: aiohttp.ClientSession, query: Mapping[str, str]) -> float:
    begin = perf_counter()
    async with client.get("/v1/databases", params=query, raise_for_status=True) as answer:
        page = await answer.json()
    elapsed = perf_counter() - begin
    if len(page["databases"]) != 50 or not page["next_page_token"]:
        raise RuntimeError("the page is not complete")
    return elapsed


async def _fill(file: Path) -> Sequence[str]:
    """Fill the registry, and return the ids of its records, oldest first."""
    file.parent.mkdir(mode=0o700)
    await asyncio.to_thread(prepare, file, LOCK_TIMEOUT)
    engine, ids = create_registry_engine(file, connections=1), list[str]()
    for start in range(0, RECORDS, BATCH):
        records = [_record(number) for number in range(start, start + BATCH)]
        rows = [row_from_database(record) for record in records]
        await engine.run(partial(_insert, rows))
        ids += [record.id for record in records]
    await engine.dispose()
    return ids


def _insert(rows: Sequence[Mapping[str, Any]], connection: Connection) -> None:
    connection.execute(insert(DATABASES), rows)


def _record(number: int) -> Database:
    created_at = _BEGIN + timedelta(seconds=number)
    nickname = Nickname(f"Bench {number}")
    return Database(
        id=new_id(created_at, Random(number).randbytes(RANDOM_BYTES)),
        nickname=nickname,
        names=nickname.derive_names(),
        target=_TARGET,
        state=State.READY,
        labels={"team": f"team-{number % 10}"},
        created_at=created_at,
        version=1,
    )


def format_pages(pages: Pages) -> str:
    answer = "yes" if pages.fits else "NO"
    return (
        f"{'list':10} {'records':>9} {'first ms':>9} {'deep ms':>8} {'ratio':>6}\n"
        f"{'HTTP':10} {pages.records:9} {pages.first_ms:9.2f} {pages.deep_ms:8.2f} "
        f"{pages.ratio:6.2f}\n"
        f"a deep page within {LIMIT} times the first: {answer}"
    )


def pages_to_json(pages: Pages) -> dict[str, object]:
    return asdict(pages) | {"limit": LIMIT}
