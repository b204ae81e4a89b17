"""`python -m bench`: bare SQL against the provider against HTTP, in one run."""

import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bench.report import LIMIT, rows_of, table, verdict, within_limit
from bench.rounds import Results, measured
from bench.subjects import HTTP, opened_subjects
from entrypoints.logging import configure_logging

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
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 when HTTP is over the limit.")]


def main(
    vends: Vends = 6,
    rounds: Rounds = 12,
    folder: Folder = None,
    ram: Ram = False,
    as_json: Json = False,
    check: Check = False,
) -> None:
    """Vend by bare SQL, by the provider and over HTTP, on one bundled PostgreSQL, by turns."""
    configure_logging("info", terminal=False)
    rows = rows_of(asyncio.run(_run(RAM if ram else folder, rounds, vends)))
    within = within_limit(rows, HTTP)
    if as_json:
        parts = {"rows": [asdict(row) for row in rows], "limit": LIMIT, "within_limit": within}
        print(json.dumps(parts, indent=2))
    else:
        print(f"{table(rows)}\n{verdict(within, HTTP)}")
    if check and not all(within.values()):
        raise typer.Exit(1)


async def _run(parent: Path | None, rounds: int, vends: int) -> Results:
    with tempfile.TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        print(f"{rounds} rounds, data in {folder}", file=sys.stderr)
        async with opened_subjects(Path(folder)) as subjects:
            return await measured(subjects, CONCURRENCIES, rounds, vends)


if __name__ == "__main__":
    typer.run(main)
