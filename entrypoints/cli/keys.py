"""`pgvend keys`."""

import sys
from typing import Annotated

import typer

from domain.callers import Scope
from domain.text import escape_unprintable
from entrypoints.cli.client import get_member, list_all, send_request
from entrypoints.cli.errors import report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_line, print_table

HEADS = ("id", "name", "scopes", "quota", "rate", "origins", "expires_at", "revoked_at")

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="The caller; keys with the same name share their databases."
    ),
]
Scopes = Annotated[
    str,
    typer.Option("--scope", metavar="LIST", help=f"Any of {', '.join(Scope)}; comma separated."),
]
Quota = Annotated[int | None, typer.Option(help="The number of databases that can exist at once.")]
RateText = Annotated[str | None, typer.Option("--rate", help="The request rate, such as 10/min.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin", help="An allowed web origin, such as https://app.example; can be repeated."
    ),
]
KeyTtl = Annotated[str | None, typer.Option(help="The validity of the key: 90d, P1DT12H.")]
KeyId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The id of the key: its first 12 characters, pgv_ and 8 more."
    ),
]


def keys() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")
    group.command("create")(create)
    group.command("list")(list_)
    group.command("revoke")(revoke)
    return group


def create(  # noqa: PLR0913, PLR0917 # each is an option
    name: Name = None,
    scope: Scopes = "create,read",
    quota: Quota = None,
    rate: RateText = None,
    origin: Origins = None,
    ttl: KeyTtl = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it. It is shown only once."""
    scopes = [part.strip() for part in scope.split(",")]
    body = {"name": name, "scopes": scopes, "quota": quota, "rate": rate, "ttl": ttl}
    with report_errors():
        created = send_request("POST", "keys", body={**body, "origins": origin or []})
        for notice in get_member(created, "notices"):
            print(f"pgvend: {escape_unprintable(str(notice))}", file=sys.stderr)
        if as_json:
            print_json(created)
        else:
            print_line(str(get_member(created, "key")))


def list_(as_json: AsJson = False) -> None:
    """Print the properties of the API keys, newest first."""
    with report_errors():
        records = [*list_all("keys", "keys")]
        if as_json:
            print_json({"keys": records})
        else:
            print_table(HEADS, records)


def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """Revoke an API key at once and permanently. Its databases and webhooks stay."""
    with report_errors():
        revoked = send_request("DELETE", "keys", key_id)
        if as_json:
            print_json(revoked)
        else:
            print_line(f"{get_member(revoked, 'id')} is revoked")
