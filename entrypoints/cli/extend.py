"""`pgvend extend`."""

from typing import Annotated

import typer

from entrypoints.cli.client import ask, explained
from entrypoints.cli.options import AsJson, Id
from entrypoints.cli.printing import print_json, print_table

NewTtl = Annotated[
    str, typer.Argument(metavar="TTL", help="A duration from now: 24h, 7d, P1DT12H.")
]


def extend(database_id: Id, ttl: NewTtl, as_json: AsJson = False) -> None:
    """Set a new expiry, counted from now."""
    with explained():
        database = ask("PATCH", "databases", database_id, body={"ttl": ttl})
        if as_json:
            print_json(database)
        else:
            print_table(("id", "state", "expires_at"), [database])
