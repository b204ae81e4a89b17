"""`pgvend create`: ask a running service for a database."""

import asyncio
import json
import shlex
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import aiohttp
import typer

from entrypoints.settings import ClientSettings

TIMEOUT = aiohttp.ClientTimeout(total=400)
"""Longer than a call waits for its turn and for a locked Neon project, together."""

_VARIABLES = {  # as libpq reads them, and as most frameworks do
    "PGHOST": "host",
    "PGPORT": "port",
    "PGDATABASE": "database",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGSSLMODE": "sslmode",
    "DATABASE_URL": "uri",
}


class AskError(Exception):
    """The service did not hand out a database; the message says why."""


def create(
    nickname: Annotated[str, typer.Argument(help="What you call the database.")],
    ttl: Annotated[str | None, typer.Option(help="How long it lives: 24h, 7d, P1DT12H.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="key=value; may be repeated.")] = None,
    extension: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer.")] = False,
    as_env: Annotated[bool, typer.Option("--env", help="Print lines for a shell or .env.")] = False,
) -> None:
    """Have a database made and print its connection URI.

    PGVEND_URL says where the service is, PGVEND_KEY who asks.
    """
    try:
        body = _body(nickname, ttl, label or [], extension or [])
        database = asyncio.run(_asked(ClientSettings(), body))
    except AskError as error:
        print(f"pgvend: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(database, indent=2))
    elif as_env:
        print(_environment(database["connection"]))
    else:
        print(database["connection"]["uri"])


def _body(
    nickname: str, ttl: str | None, labels: list[str], extensions: list[str]
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


async def _asked(client: ClientSettings, body: Mapping[str, Any]) -> Any:
    key = client.key and client.key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{client.url.rstrip('/')}/v1/databases"
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers=headers) as session,
            session.post(url, json=body) as response,
        ):
            answer = await response.json(content_type=None)
    except TimeoutError as error:
        raise AskError(
            f"{client.url} did not answer in {TIMEOUT.total:.0f} s; the database may exist all the "
            "same: look for it with GET /v1/databases."
        ) from error
    except ValueError:
        answer = None  # not JSON
    except aiohttp.ClientError as error:
        raise AskError(
            f"There is no pgvend at {client.url} ({type(error).__name__}): start one with "
            "`pgvend serve`, or set PGVEND_URL."
        ) from error
    match answer:
        case {"connection": dict(connection)} if connection.keys() >= set(_VARIABLES.values()):
            return answer
        case {"detail": detail, "request_id": request_id}:
            raise AskError(f"{detail} (request {request_id})")
    raise AskError(f"What answers at {client.url} is no pgvend: set PGVEND_URL.")


def _environment(connection: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{variable}={shlex.quote(str(connection[part]))}" for variable, part in _VARIABLES.items()
    )
