"""`pgvend delete`."""

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.completion import complete_database
from entrypoints.cli.databases import Database, find_database, list_databases
from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("id", "database", "nickname")

LONGEST_WAIT = 600.0
"""Seconds that `--wait` waits for all databases together."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two looks at a database; each pause is twice the one before."""

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="The databases: ids, names on the server, or nicknames.",
        autocompletion=complete_database,
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="All databases with the label key=value; can be repeated."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until they are deleted.")]


def delete(
    names: Names = None,
    label: Labels = None,
    yes: Yes = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Delete databases and disconnect their users; completes in the background.

    On a terminal, prints the databases and asks first.
    """
    with report_errors():
        databases = _find_databases(names or [], label or [])
        if not yes and sys.stdin.isatty():
            _confirm(databases)
        deleted: list[Database] = []
        try:
            _delete(databases, label or [], deleted)
        finally:  # after an error or Ctrl-C too
            _print(deleted, as_json=as_json)
        if wait:
            _wait_until_deleted(deleted)


def _find_databases(names: Sequence[str], labels: Sequence[str]) -> Sequence[Database]:
    """Return each database once. Raises RequestError before anything is deleted."""
    if bool(names) == bool(labels):
        problem = "Write the names of databases, or --label; not both."
        raise RequestError(problem, ExitStatus.USAGE)
    if names:
        found = [find_database(name) for name in names]
        return [*{database["id"]: database for database in found}.values()]
    filters = [("label", label) for label in labels]
    databases = [each for each in list_databases(filters) if each.get("state") != "deleting"]
    if not databases:
        raise RequestError("No database has these labels.", ExitStatus.NOT_FOUND)
    return databases


def _confirm(databases: Sequence[Database]) -> None:
    """Raises RequestError if the user does not agree."""
    print_table(HEADS, databases, file=sys.stderr)
    what = "this database" if len(databases) == 1 else f"these {len(databases)} databases"
    try:
        is_agreed = typer.confirm(f"Delete {what}, with all data?", err=True)
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise RequestError("Nothing was deleted.", ExitStatus.INTERRUPTED) from None
    if not is_agreed:
        raise RequestError("Nothing was deleted.")


def _delete(databases: Sequence[Database], labels: Sequence[str], deleted: list[Database]) -> None:
    """Request the deletion, and add each database to `deleted` when that is accepted.

    By labels, the service deletes nothing if there are more or fewer databases than were found.
    """
    if labels:
        count = ("count", str(len(databases)))
        answer = send_request(
            "DELETE", "databases", query=[*(("label", label) for label in labels), count]
        )
        ids = get_member(answer, "ids")
        deleted += [database for database in databases if database["id"] in ids]
        return
    for database in databases:
        send_request("DELETE", "databases", database["id"])
        deleted.append(database)


def _print(deleted: Sequence[Database], *, as_json: bool) -> None:
    if as_json:
        print_json({"ids": [database["id"] for database in deleted]})
    elif deleted:
        print_table(HEADS, deleted)


def _wait_until_deleted(databases: Sequence[Database]) -> None:
    """Raises RequestError if it takes too long."""
    end = time.monotonic() + LONGEST_WAIT
    for database in databases:
        pause = FIRST_PAUSE
        while not _is_deleted(database["id"]):
            if time.monotonic() > end:
                raise RequestError(
                    f"Still deleting {database['id']}: see it with `pgvend show`.",
                    ExitStatus.RETRYABLE,
                )
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)


def _is_deleted(database_id: str) -> bool:
    try:
        return bool(get_member(find_database(database_id), "state") == "deleted")
    except RequestError as error:
        if error.exit_status is ExitStatus.NOT_FOUND:
            return True
        raise
