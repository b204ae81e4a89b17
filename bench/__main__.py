"""`python -m bench`: bare SQL against the provider against HTTP, and crowds on Neon."""

import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.lists import RECORDS, Pages, measured_pages, pages_json, pages_table
from bench.neon import CROWDS, Crowd, measured_crowds
from bench.neon import LIMIT as NEON_LIMIT
from bench.report import (
    LIMIT,
    Row,
    crowd_table,
    crowd_verdict,
    rows_of,
    table,
    verdict,
    within_limit,
)
from bench.rounds import Results, measured
from bench.subjects import HTTP, opened_subjects
from entrypoints.config.logging import configure_logging

RAM = Path("/dev/shm")  # noqa: S108 - a new folder of mode 0700 is made in it
CONCURRENCIES = (1, 8)

Vends = Annotated[int, typer.Option(min=2, help="Vends in a turn; two of each caller at least.")]
Rounds = Annotated[int, typer.Option(min=1, help="Turns of each subject, after one to warm up.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        resolve_path=True,
        help="Where the server's data is for the run; the system's temporary folder by default.",
    ),
]
Ram = Annotated[bool, typer.Option("--ram", help=f"Have it in {RAM}: no disk to wait for.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 when a limit is passed.")]


class Part(StrEnum):
    ALL = "all"
    SQL = "sql"
    NEON = "neon"
    LISTS = "lists"


Which = Annotated[Part, typer.Argument(help="What to measure.")]


@dataclass
class Figures:
    """What was measured, part by part."""

    rows: list[Row] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    pages: list[Pages] = field(default_factory=list)

    def all_fit(self) -> bool:
        of_others = [crowd.fits for crowd in self.crowds] + [pages.fits for pages in self.pages]
        return all([*within_limit(self.rows, HTTP).values(), *of_others])


def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    part: Which = Part.ALL,
    vends: Vends = 6,
    rounds: Rounds = 12,
    folder: Folder = None,
    ram: Ram = False,
    as_json: Json = False,
    check: Check = False,
) -> None:
    """Vend by bare SQL, by the provider and over HTTP, on one bundled PostgreSQL, by turns; then
    many at once over the Neon emulator; then ask for pages of a long list."""
    configure_logging("info", terminal=False)
    parent = RAM if ram else folder
    results = Figures()
    if part in {Part.ALL, Part.SQL}:
        results.rows = rows_of(asyncio.run(_by_sql(parent, rounds, vends)))
    if part in {Part.ALL, Part.NEON}:
        results.crowds = asyncio.run(_on_neon(parent))
    if part in {Part.ALL, Part.LISTS}:
        results.pages = [asyncio.run(_of_lists(parent))]
    print(_as_json(results) if as_json else _as_text(results))
    if check and not results.all_fit():
        raise typer.Exit(1)


async def _by_sql(parent: Path | None, rounds: int, vends: int) -> Results:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        print(f"{rounds} rounds, data in {folder}", file=sys.stderr)
        async with opened_subjects(Path(folder)) as subjects:
            return await measured(subjects, CONCURRENCIES, rounds, vends)


async def _on_neon(parent: Path | None) -> list[Crowd]:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        crowds = " and ".join(map(str, CROWDS))
        print(f"{crowds} vends at once on an emulator, data in {folder}", file=sys.stderr)
        return await measured_crowds(Path(folder))


async def _of_lists(parent: Path | None) -> Pages:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        print(f"pages of {RECORDS} records, data in {folder}", file=sys.stderr)
        return await measured_pages(Path(folder))


def _as_text(figures: Figures) -> str:
    rows, crowds = figures.rows, figures.crowds
    by_sql = [table(rows), verdict(within_limit(rows, HTTP), HTTP)] if rows else []
    on_neon = [crowd_table(crowds), crowd_verdict(crowds)] if crowds else []
    return "\n".join([*by_sql, *on_neon, *map(pages_table, figures.pages)])


def _as_json(figures: Figures) -> str:
    parts = {
        "rows": [asdict(row) for row in figures.rows],
        "limit": LIMIT,
        "within_limit": within_limit(figures.rows, HTTP),
        "neon": [asdict(crowd) | {"ratio": round(crowd.ratio, 3)} for crowd in figures.crowds],
        "neon_limit": NEON_LIMIT,
        "lists": list(map(pages_json, figures.pages)),
    }
    return json.dumps(parts, indent=2)


if __name__ == "__main__":
    typer.run(main)
