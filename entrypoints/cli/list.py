"""`pgvend list`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from domain.lifecycle import PUBLIC
from entrypoints.cli.databases import Database, list_databases
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table, print_text
from entrypoints.cli.units import to_list_row

HEADS = ("nickname", "database", "state", "expires", "size", "caller", "labels", "id")

InState = Annotated[
    list[str] | None, typer.Option(help=f"One of {', '.join(PUBLIC)}; can be repeated.")
]
Label = Annotated[
    list[str] | None, typer.Option(help="Only databases with the label key=value; can be repeated.")
]
All = Annotated[bool, typer.Option("--all", "-a", help="Deleted and failed ones, too.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the ids.")]


def list_(
    state: InState = None,
    label: Label = None,
    show_all: All = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Print the databases, newest first. Deleted and failed ones are printed only with --all."""
    states = [*PUBLIC] if show_all and not state else state or []
    filters = [("state", text) for text in states] + [("label", text) for text in label or []]
    with report_errors():
        measure = [] if quiet else [("size", "true")]
        _print(list(list_databases([*filters, *measure])), quiet=quiet, as_json=as_json)


def _print(databases: Sequence[Database], *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json({"databases": databases})
    elif quiet:
        for database in databases:
            print_text(str(database["id"]))
    else:
        now = datetime.now(UTC)
        print_table(HEADS, [to_list_row(database, now) for database in databases])
