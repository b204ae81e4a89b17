"""`pgvend audit`."""

import re
from itertools import islice
from typing import Annotated

import typer

from entrypoints.cli.client import list_all
from entrypoints.cli.databases import find_id
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("at", "caller", "key", "action", "subject", "address", "outcome")

_ID = re.compile(r"[a-z]+_[0-9a-z]{26}|pgv_\w{8}")
"""An id of a database or API key, which can be deleted and revoked by now."""

Caller = Annotated[str | None, typer.Option(help="Only events of this caller.")]
Subject = Annotated[
    str | None,
    typer.Option(help="Only events about this database (id or name) or this API key (id)."),
]
Limit = Annotated[int, typer.Option(min=1, help="The maximum number of events.")]


def audit(
    caller: Caller = None, subject: Subject = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """Print the audit events, newest first."""
    with report_errors():
        filters = {"caller": caller, "subject": subject and _find_subject(subject)}
        query = [(name, value) for name, value in filters.items() if value is not None]
        events = [*islice(list_all("audit-events", "audit_events", query), limit)]
        if as_json:
            print_json({"audit_events": events})
        else:
            print_table(HEADS, events)


def _find_subject(text: str) -> str:
    """Return the id; of a database that is not deleted, the name is enough. Raises RequestError."""
    return text if _ID.fullmatch(text) else find_id(text)
