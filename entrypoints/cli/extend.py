"""`pgvend extend`."""

from typing import Annotated

import typer

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson, DatabaseId
from entrypoints.cli.printing import print_json, print_table

NewTtl = Annotated[
    str, typer.Argument(metavar="TTL", help="A duration from now: 24h, 7d, P1DT12H.")
]


def extend(database_id: DatabaseId, ttl: NewTtl, as_json: AsJson = False) -> None:
    """Set a new expiry, counted from now."""
    with report_errors():
        database = send_request("PATCH", "databases", database_id, body={"ttl": ttl})
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state", "expires_at"), [database])
