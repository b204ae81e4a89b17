"""`pgvend extend`."""

from typing import Annotated

import typer

from entrypoints.cli.client import send_request
from entrypoints.cli.databases import find_id
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseName
from entrypoints.cli.printing import print_json, print_table

NewTtl = Annotated[
    str,
    typer.Argument(metavar="TTL|never", help="A duration from now: 24h, 7d, P1DT12H; or never."),
]


def extend(name: DatabaseName, ttl: NewTtl, as_json: AsJson = False) -> None:
    """Set a new expiry, counted from now, or remove it."""
    body = {"ttl": None if ttl.lower() == "never" else ttl}
    with report_errors():
        database = send_request("PATCH", "databases", find_id(name), body=body)
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state", "expires_at"), [database])
