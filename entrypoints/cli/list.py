"""`pgvend list`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from domain.database import State
from entrypoints.cli.asking import ask, explained
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import member, print_json, print_table

LARGEST_PAGE = "200"

HEADS = ("id", "state", "database", "expires_at", "nickname")

InState = Annotated[
    list[str] | None, typer.Option(help=f"One of {', '.join(State)}; may be repeated.")
]
Label = Annotated[list[str] | None, typer.Option(help="Those with key=value; may be repeated.")]


def list_(state: InState = None, label: Label = None, as_json: AsJson = False) -> None:
    """Print the databases, the newest first."""
    filters = [("state", text) for text in state or []] + [("label", text) for text in label or []]
    with explained():
        databases = [database for page in _pages(filters) for database in page]
        if as_json:
            print_json({"databases": databases})
        else:
            print_table(HEADS, databases)


def _pages(filters: list[tuple[str, str]]) -> Iterator[list[Any]]:
    token = ""
    while True:
        query = [*filters, ("page_size", LARGEST_PAGE), ("page_token", token)]
        page = ask("GET", "databases", query=query)
        yield member(page, "databases")
        token = member(page, "next_page_token")
        if not token:
            return
