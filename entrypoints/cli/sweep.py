"""`pgvend sweep`."""

from typing import Annotated

import typer

from entrypoints.cli.asking import ask, explained
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import member, print_json, print_table

HEADS = ("action", "id", "database", "outcome", "detail")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and no more.")]


def sweep(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Have the service put its records and what exists in line, and print what it found and did."""
    with explained():
        swept = ask("POST", "reconciliations", body={"dry_run": dry_run})
        if as_json:
            print_json(swept)
        else:
            print_table(HEADS, member(swept, "results"))
