"""`pgvend reconcile`."""

from typing import Annotated

import typer

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("action", "id", "database", "outcome", "detail")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")]


def reconcile(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Reconcile records with the server, and print each action and its outcome."""
    with report_errors():
        answer = send_request("POST", "reconciliations", body={"dry_run": dry_run})
        if as_json:
            print_json(answer)
        else:
            print_table(HEADS, get_member(answer, "results"))
