"""`python -m bench`: compare bare SQL, the provider and HTTP; bursts on Neon; pages of lists."""

import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.lists import RECORDS, Pages, format_pages, measure_pages, pages_to_json
from bench.methods import HTTP, open_methods
from bench.neon import BURSTS, Burst, measure_bursts
from bench.neon import LIMIT as NEON_LIMIT
from bench.report import (
    LIMIT,
    Row,
    check_limit,
    create_rows,
    format_burst_table,
    format_burst_verdict,
    format_table,
    format_verdict,
)
from bench.rounds import Results, measure
from entrypoints.config.logging import configure_logging

RAM = Path("/dev/shm")  # noqa: S108 - the run creates a folder of mode 0700 in it
CONCURRENCIES = (1, 8)

Creations = Annotated[int, typer.Option(min=2, help="Creations in a turn; two or more per caller.")]
Rounds = Annotated[int, typer.Option(min=1, help="Turns of each method, after a warm-up.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        resolve_path=True,
        help="The folder for the server's data; by default the temporary folder of the system.",
    ),
]
Ram = Annotated[bool, typer.Option("--ram", help=f"Put the data into {RAM}: no disk waits.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with status 1 if a limit is exceeded.")]


class Part(StrEnum):
    ALL = "all"
    SQL = "sql"
    NEON = "neon"
    LISTS = "lists"


Which = Annotated[Part, typer.Argument(help="The part to measure.")]


@dataclass
class Figures:
    """The results of each part."""

    rows: list[Row] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    pages: list[Pages] = field(default_factory=list)

    def all_fit(self) -> bool:
        others = [burst.fits for burst in self.bursts] + [pages.fits for pages in self.pages]
        return all([*check_limit(self.rows, HTTP).values(), *others])


def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    part: Which = Part.ALL,
    creations: Creations = 6,
    rounds: Rounds = 12,
    folder: Folder = None,
    ram: Ram = False,
    as_json: Json = False,
    check: Check = False,
) -> None:
    """Create databases by bare SQL, by the provider and over HTTP, in turns on one bundled server;
    then many at once over the Neon emulator; then request pages of a long list."""
    configure_logging("info", terminal=False)
    parent = RAM if ram else folder
    results = Figures()
    if part in {Part.ALL, Part.SQL}:
        results.rows = create_rows(asyncio.run(_measure_sql(parent, rounds, creations)))
    if part in {Part.ALL, Part.NEON}:
        results.bursts = asyncio.run(_measure_neon(parent))
    if part in {Part.ALL, Part.LISTS}:
        results.pages = [asyncio.run(_measure_lists(parent))]
    print(_to_json(results) if as_json else _to_text(results))
    if check and not results.all_fit():
        raise typer.Exit(1)


async def _measure_sql(parent: Path | None, rounds: int, creations: int) -> Results:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        print(f"{rounds} rounds, data in {folder}", file=sys.stderr)
        async with open_methods(Path(folder)) as methods:
            return await measure(methods, CONCURRENCIES, rounds, creations)


async def _measure_neon(parent: Path | None) -> list[Burst]:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        bursts = " and ".join(map(str, BURSTS))
        print(f"{bursts} creations at once on an emulator, data in {folder}", file=sys.stderr)
        return await measure_bursts(Path(folder))


async def _measure_lists(parent: Path | None) -> Pages:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        print(f"pages of {RECORDS} records, data in {folder}", file=sys.stderr)
        return await measure_pages(Path(folder))


def _to_text(figures: Figures) -> str:
    rows, bursts = figures.rows, figures.bursts
    by_sql = [format_table(rows), format_verdict(check_limit(rows, HTTP), HTTP)] if rows else []
    on_neon = [format_burst_table(bursts), format_burst_verdict(bursts)] if bursts else []
    return "\n".join([*by_sql, *on_neon, *map(format_pages, figures.pages)])


def _to_json(figures: Figures) -> str:
    parts = {
        "rows": [asdict(row) for row in figures.rows],
        "limit": LIMIT,
        "check_limit": check_limit(figures.rows, HTTP),
        "neon": [asdict(burst) | {"ratio": round(burst.ratio, 3)} for burst in figures.bursts],
        "neon_limit": NEON_LIMIT,
        "lists": list(map(pages_to_json, figures.pages)),
    }
    return json.dumps(parts, indent=2)


if __name__ == "__main__":
    typer.run(main)
