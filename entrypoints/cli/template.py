"""`pgvend template`."""

from typing import Annotated

import typer

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.completion import complete_database, complete_template
from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import AsJson, EndSessions
from entrypoints.cli.printing import print_json, print_table

HEADS = ("name", "id", "state", "caller", "shared", "created_at")

Name = Annotated[str, typer.Argument(help="A name of your choice: letters, digits, . - and _.")]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="DATABASE",
        help="The database to copy: its id, database name or unique nickname.",
        autocompletion=complete_database,
    ),
]
Shared = Annotated[bool, typer.Option("--shared", help="Let all callers copy it; for admins.")]
NameOrId = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The name or the id.", autocompletion=complete_template),
]


def template() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Create, list and delete templates: frozen databases, to be copied.",
    )
    group.command("create")(create)
    group.command("list")(list_)
    group.command("delete")(delete)
    return group


def create(
    name: Name,
    source: From,
    end_sessions: EndSessions = False,
    shared: Shared = False,
    as_json: AsJson = False,
) -> None:
    """Create a template from a database. It replaces your former template of that name."""
    body = {"name": name, "from": source, "end_sessions": end_sessions, "shared": shared}
    with report_errors():
        created = send_request("POST", "templates", body=body)
        if as_json:
            print_json(created)
        else:
            print_table(("name", "id", "state"), [created])


def list_(as_json: AsJson = False) -> None:
    """Print your templates and the shared ones, newest first."""
    with report_errors():
        templates = get_member(send_request("GET", "templates"), "templates")
        if as_json:
            print_json({"templates": templates})
        else:
            print_table(HEADS, templates)


def delete(name: NameOrId, as_json: AsJson = False) -> None:
    """Delete a template; databases that were copied from it stay. Completes in the background."""
    with report_errors():
        deleted = send_request("DELETE", "templates", _find_id(name))
        if as_json:
            print_json(deleted)
        else:
            print_table(("name", "id", "state"), [deleted])


def _find_id(name: str) -> str:
    """Return the id of that template: your own, or a shared one. Raises RequestError."""
    if name in {"", ".", ".."}:  # which would change the path
        raise RequestError(f"There is no template {name!r}.", ExitStatus.NOT_FOUND)
    return str(get_member(send_request("GET", "templates", name), "id"))
