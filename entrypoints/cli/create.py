"""`pgvend create`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from entrypoints.cli.client import send_request
from entrypoints.cli.errors import RequestError, report_errors
from entrypoints.cli.options import (
    DEFAULT_FORMAT,
    AsJson,
    CaFile,
    EndSessions,
    FormatName,
    Source,
    Ttl,
)
from entrypoints.cli.printing import print_result
from entrypoints.formats import choose_format


def create(  # noqa: PLR0913, PLR0917 - each is an option
    nickname: Annotated[
        str, typer.Argument(help="A name of your choice; the database name is made from it.")
    ],
    ttl: Ttl = None,
    label: Annotated[
        list[str] | None, typer.Option(help="A label, key=value; can be repeated.")
    ] = None,
    extension: Annotated[
        list[str] | None, typer.Option(help="An extension to install; can be repeated.")
    ] = None,
    template: Annotated[
        str | None, typer.Option(help="The name or id of a template to copy.")
    ] = None,
    source: Source = None,
    end_sessions: EndSessions = False,
    as_json: AsJson = False,
    as_env: Annotated[bool, typer.Option("--env", help="The same as --format env.")] = False,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
) -> None:
    """Create a database and print its connection.

    PGVEND_URL is the address of the service, PGVEND_KEY the API key.
    """
    with report_errors():
        form = choose_format("env" if as_env else format_name, None)
        origin = {"template": template, "from": source, "end_sessions": end_sessions}
        body = _create_body(nickname, ttl, label or [], extension or [])
        created = send_request("POST", "databases", body={**body, **_without_empty(origin)})
        print_result(created, form, as_json=as_json, ca_file=ca_file)


def _create_body(
    nickname: str, ttl: str | None, labels: Sequence[str], extensions: Sequence[str]
) -> Mapping[str, Any]:
    pairs = [label.partition("=") for label in labels]
    if bad := [key for key, equals, _ in pairs if not equals]:
        raise RequestError(f"Write a label as key=value, not {bad[0]!r}.")
    body = {
        "nickname": nickname,
        "ttl": ttl,
        "labels": {key: value for key, _, value in pairs},
        "extensions": extensions,
    }
    return _without_empty(body)


def _without_empty(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the members that are not empty."""
    return {name: value for name, value in members.items() if value}
