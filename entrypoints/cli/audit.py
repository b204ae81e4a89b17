"""`pgvend audit`."""

from itertools import islice
from typing import Annotated

import typer

from entrypoints.cli.client import list_all
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("at", "caller", "key", "action", "subject", "address", "outcome")

Caller = Annotated[str | None, typer.Option(help="Only events of this caller.")]
Subject = Annotated[
    str | None, typer.Option(help="Only events about this database or API key (its id).")
]
Limit = Annotated[int, typer.Option(min=1, help="The maximum number of events.")]


def audit(
    caller: Caller = None, subject: Subject = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """Print the audit events, newest first."""
    filters = {"caller": caller, "subject": subject}
    query = [(name, value) for name, value in filters.items() if value is not None]
    with report_errors():
        events = [*islice(list_all("audit-events", "audit_events", query), limit)]
        if as_json:
            print_json({"audit_events": events})
        else:
            print_table(HEADS, events)
