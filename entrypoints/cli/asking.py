"""Asking a running service, and telling what came of it."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import typer

from domain.errors import PgvendError
from domain.text import legible_lines
from entrypoints.settings import ClientSettings
from entrypoints.settings_loading import load_client_settings

TIMEOUT = aiohttp.ClientTimeout(total=400)
"""Longer than a call waits for its turn and for a locked Neon project, together."""


class AskError(Exception):
    """The service did not do what it was asked for; the message says why."""


class NoPgvend(AskError):
    """What answers is something else; its `url` is in the message."""

    def __init__(self) -> None:
        super().__init__(f"What answers at {_client().url} is no pgvend: set PGVEND_URL.")


@contextmanager
def explained() -> Iterator[None]:
    """What goes wrong within is told on standard error, in one line, with status 1."""
    try:
        yield
    except (AskError, PgvendError) as error:
        print(f"pgvend: {legible_lines(str(error))}", file=sys.stderr)
        raise typer.Exit(1) from None


def ask(
    method: str,
    *path: str,
    query: Sequence[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
) -> Any:
    """The JSON object that the service answers to `method` on `path` under /v1. Raises AskError."""
    client = _client()
    place = "/".join(quote(part, safe="", errors="replace") for part in path)
    url = f"{client.url.rstrip('/')}/v1/{place}?{urlencode(query, errors='replace')}"
    status, answer = asyncio.run(_answer(client, method, url.removesuffix("?"), body))
    match answer:
        case {"code": "unauthenticated"}:
            raise AskError(f"{client.url} answers nobody without a key: set PGVEND_KEY.")
        case {"detail": detail, "request_id": request_id}:
            raise AskError(f"{detail} (request {request_id})")
        case dict() if status < 300:
            return answer
    raise NoPgvend


async def _answer(
    client: ClientSettings, method: str, url: str, body: Mapping[str, Any] | None
) -> tuple[int, Any]:
    """The answer's status, and what it holds: None where that is not JSON."""
    key = client.key and client.key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers=headers) as session,
            session.request(method, url, json=body, allow_redirects=False) as response,
        ):
            return response.status, await response.json(content_type=None)
    except TimeoutError as error:
        raise AskError(
            f"{client.url} did not answer in {TIMEOUT.total:.0f} s; it may be done all the same: "
            "look with `pgvend list`."
        ) from error
    except aiohttp.ClientError as error:
        raise AskError(
            f"There is no pgvend at {client.url} ({type(error).__name__}): start one with "
            "`pgvend serve`, or set PGVEND_URL."
        ) from error
    except ValueError:
        return 0, None


def _client() -> ClientSettings:
    return load_client_settings()
