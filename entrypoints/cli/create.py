"""`pgvend create`."""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Annotated, Any

import typer

from entrypoints.cli.client import send_request
from entrypoints.cli.create_many import create_many
from entrypoints.cli.created import choose_output
from entrypoints.cli.creation import Patience, reuse_database
from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.names import collect_names
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, CreateFormat, EndSessions, Ttl

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...", help="Nicknames of your choice; the database names are made from them."
    ),
]
NamesFile = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Also read names from a file, one a line; - is standard input.",
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        min=1, max=10_000, help="Also create this many, named by --prefix: P_01, P_02, ..."
    ),
]
Prefix = Annotated[str | None, typer.Option(metavar="P", help="The beginning of these names.")]
Labels = Annotated[list[str] | None, typer.Option(help="A label, key=value; can be repeated.")]
Extensions = Annotated[
    list[str] | None, typer.Option(help="An extension to install; can be repeated.")
]
TemplateName = Annotated[str | None, typer.Option(help="The name or id of a template to copy.")]
Fork = Annotated[
    str | None,
    typer.Option(
        "--fork-of",
        metavar="DATABASE",
        help="A database of yours to copy: its id, its name on the server, or its nickname.",
    ),
]
Reuse = Annotated[
    bool,
    typer.Option(
        "--reuse",
        help="Return your database of that nickname if there is one; an expired one is restored. "
        "Set its expiry and labels.",
    ),
]


def create(  # noqa: PLR0913, PLR0917 - each is an option
    names: Names = None,
    names_file: NamesFile = None,
    count: Count = None,
    prefix: Prefix = None,
    ttl: Ttl = None,
    label: Labels = None,
    extension: Extensions = None,
    template: TemplateName = None,
    fork_of: Fork = None,
    end_sessions: EndSessions = False,
    reuse: Reuse = False,
    as_json: AsJson = False,
    as_env: Annotated[bool, typer.Option("--env", help="The same as --format env.")] = False,
    format_name: CreateFormat = DEFAULT_FORMAT,
    ca_file: CaFile = None,
) -> None:
    """Create databases and print their connections.

    With several names, a database that you have under one of them already is printed as it is.
    So you can repeat a run that was interrupted: the second one creates the rest. A single name
    creates a new database each time, unless you add --reuse.
    """
    with report_errors():
        output = choose_output("env" if as_env else format_name, as_json=as_json, ca_file=ca_file)
        is_single = len(names or []) == 1 and names_file is None and count is None
        nicknames = collect_names(names or [], names_file, count, prefix)
        origin = {"template": template, "from": fork_of, "end_sessions": end_sessions}
        body = _create_body(ttl, label or [], extension or [], origin)
        if is_single:
            output.print_one(_create_one({"nickname": nicknames[0], **body}, reuse=reuse))
        else:
            output.check_many()
            create_many(nicknames, body, output, reuse=reuse)


def _create_one(body: Mapping[str, Any], *, reuse: bool) -> Any:
    if reuse:
        return reuse_database(body, Patience(Event()))
    return send_request("POST", "databases", body=body)


def _create_body(
    ttl: str | None,
    labels: Sequence[str],
    extensions: Sequence[str],
    origin: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Return the members that are not empty, without the nickname."""
    pairs = [label.partition("=") for label in labels]
    if bad := [key for key, equals, _ in pairs if not equals]:
        raise RequestError(f"Write a label as key=value, not {bad[0]!r}.", ExitStatus.USAGE)
    body = {
        "ttl": ttl,
        "labels": {key: value for key, _, value in pairs},
        "extensions": extensions,
        **origin,
    }
    return {name: value for name, value in body.items() if value}
