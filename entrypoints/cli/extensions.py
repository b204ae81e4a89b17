"""`pgvend extensions`."""

from typing import Annotated

import typer

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.databases import find_id
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseName
from entrypoints.cli.printing import print_json, print_table

Extension = Annotated[
    str, typer.Argument(metavar="EXTENSION", help="A name from `pgvend extensions list`.")
]


def extensions() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True, help="List extensions, and install them in databases."
    )
    group.command("list")(list_)
    group.command("add")(add)
    return group


def list_(as_json: AsJson = False) -> None:
    """Print the extensions that databases can have."""
    with report_errors():
        answer = send_request("GET", "extensions")
        if as_json:
            print_json(answer)
        else:
            print_table(("name", "version", "description"), get_member(answer, "extensions"))


def add(name: DatabaseName, extension: Extension, as_json: AsJson = False) -> None:
    """Install an extension in a database."""
    with report_errors():
        path = ("databases", find_id(name), "extensions")
        database = send_request("POST", *path, body={"name": extension})
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state", "extensions"), [database])
