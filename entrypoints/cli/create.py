"""`pgvend create`: ask a running service for a database."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from entrypoints.cli.asking import AskError, ask, explained
from entrypoints.cli.options import DEFAULT_FORMAT, AsJson, CaFile, FormatName, Ttl
from entrypoints.cli.printing import print_handed_out
from entrypoints.formats import chosen


def create(  # noqa: PLR0913, PLR0917 - all that an order may say, and how to print the answer
    nickname: Annotated[str, typer.Argument(help="What you call the database.")],
    ttl: Ttl = None,
    label: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")] = None,
    extension: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    as_json: AsJson = False,
    as_env: Annotated[bool, typer.Option("--env", help="The same as --format env.")] = False,
    format_name: FormatName = DEFAULT_FORMAT,
    ca_file: CaFile = None,
) -> None:
    """Have a database made and print its connection.

    PGVEND_URL says where the service is, PGVEND_KEY who asks.
    """
    with explained():
        form = chosen("env" if as_env else format_name, None)
        body = _body(nickname, ttl, label or [], extension or [])
        created = ask("POST", "databases", body=body)
        print_handed_out(created, form, as_json=as_json, ca_file=ca_file)


def _body(
    nickname: str, ttl: str | None, labels: Sequence[str], extensions: Sequence[str]
) -> Mapping[str, Any]:
    pairs = [label.partition("=") for label in labels]
    if bad := [key for key, equals, _ in pairs if not equals]:
        raise AskError(f"Write a label as key=value, not {bad[0]!r}.")
    body = {
        "nickname": nickname,
        "ttl": ttl,
        "labels": {key: value for key, _, value in pairs},
        "extensions": extensions,
    }
    return {name: value for name, value in body.items() if value}
