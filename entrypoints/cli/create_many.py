"""Creation of many databases by one command."""

import sys
from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

import typer

from entrypoints.cli.bulk import BulkRun
from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.created import Output
from entrypoints.cli.creation import Patience, find_or_create_database, reuse_database
from entrypoints.cli.errors import ErrorFormat, ExitStatus, RequestError, print_error


def create_many(
    nicknames: Sequence[str], body: Mapping[str, Any], output: Output, *, reuse: bool
) -> None:
    """Create or find a database for each nickname, and print those that exist, in order, even if
    others failed. Raises typer.Exit unless all exist."""
    caller = "" if reuse else str(get_member(send_request("GET", "whoami"), "caller"))

    def create_one(nickname: str, stopping: Event) -> Any:
        request, patience = {"nickname": nickname, **body}, Patience(stopping)
        if reuse:
            return reuse_database(request, patience)
        return find_or_create_database(request, patience, caller)

    run = BulkRun(nicknames, create_one, "Creating")
    run.run()
    output.print_many([run.results[name] for name in nicknames if name in run.results])
    _report_rest(run)


def _report_rest(run: BulkRun) -> None:
    """Print the errors and what is missing. Raises typer.Exit if something is."""
    for name in run.names:
        if isinstance(error := run.errors.get(name), RequestError):
            print_error(f"{name}: {error}", {**error.problem, "nickname": name})
    if len(run.results) == len(run.names):
        return
    if not ErrorFormat.as_json:
        print(
            f"pgvend: {len(run.results)} of {len(run.names)} databases exist; the same command "
            "creates the rest.",
            file=sys.stderr,
        )
    raise typer.Exit(ExitStatus.INTERRUPTED if run.is_interrupted else _find_status(run))


def _find_status(run: BulkRun) -> ExitStatus:
    """Return the status of the first error, in the order of the names."""
    errors = (run.errors.get(name) for name in run.names)
    return next(each.exit_status for each in errors if isinstance(each, RequestError))
