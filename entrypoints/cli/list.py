"""`pgvend list`."""

from typing import Annotated

import typer

from domain.lifecycle import PUBLIC
from entrypoints.cli.client import list_all
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("id", "state", "database", "expires_at", "nickname")

InState = Annotated[
    list[str] | None, typer.Option(help=f"One of {', '.join(PUBLIC)}; can be repeated.")
]
Label = Annotated[
    list[str] | None, typer.Option(help="Only databases with the label key=value; can be repeated.")
]


def list_(state: InState = None, label: Label = None, as_json: AsJson = False) -> None:
    """Print the databases, newest first. Deleted and failed ones are printed only with --state."""
    filters = [("state", text) for text in state or []] + [("label", text) for text in label or []]
    with report_errors():
        databases = [*list_all("databases", "databases", filters)]
        if as_json:
            print_json({"databases": databases})
        else:
            print_table(HEADS, databases)
