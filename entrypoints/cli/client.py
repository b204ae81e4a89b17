"""Requests to a running service, their answers and errors."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import typer

from domain.errors import PgvendError
from domain.text import escape_unprintable_lines
from entrypoints.config.loading import load_client_settings
from entrypoints.config.settings import ClientSettings

TIMEOUT = aiohttp.ClientTimeout(total=400)
"""Longer than a call can wait for its turn and for a locked Neon project together."""

MAX_PAGE_SIZE = "200"


class RequestError(Exception):
    """The request failed; the message says why."""


class NotPgvend(RequestError):
    """The server at PGVEND_URL is not a pgvend service."""

    def __init__(self) -> None:
        super().__init__(
            f"The server at {load_client_settings().url} is not a pgvend service: set PGVEND_URL."
        )


@contextmanager
def report_errors() -> Iterator[None]:
    """Print an error on standard error and exit with status 1."""
    try:
        yield
    except (RequestError, PgvendError) as error:
        print(f"pgvend: {escape_unprintable_lines(str(error))}", file=sys.stderr)
        raise typer.Exit(1) from None


def send_request(
    method: str,
    *path: str,
    query: Sequence[tuple[str, str]] = (),
    body: Mapping[str, Any] | None = None,
) -> Any:
    """Send a request to `path` under /v1, and return the JSON of the answer.

    Raises RequestError.
    """
    client = load_client_settings()
    address = "/".join(quote(part, safe="", errors="replace") for part in path)
    url = f"{client.url.rstrip('/')}/v1/{address}?{urlencode(query, errors='replace')}"
    status, answer = asyncio.run(_send(client, method, url.removesuffix("?"), body))
    match answer:
        case {"code": "unauthenticated"}:
            raise RequestError(f"{client.url} requires an API key: set PGVEND_KEY to a valid one.")
        case {"detail": detail, "request_id": request_id}:
            raise RequestError(f"{detail} (request {request_id})")
        case dict() if status < 300:
            return answer
    raise NotPgvend


def list_all(path: str, name: str, filters: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
    """Yield the items in the member `name` of all pages, which are requested as needed. Raises
    RequestError."""
    token = ""
    while True:
        page = send_request(
            "GET", path, query=[*filters, ("page_size", MAX_PAGE_SIZE), ("page_token", token)]
        )
        yield from get_member(page, name)
        token = get_member(page, "next_page_token")
        if not token:
            return


def get_member(answer: Mapping[str, Any], name: str) -> Any:
    """Return the member of an answer. Raises NotPgvend if it is missing."""
    if name not in answer:
        raise NotPgvend
    return answer[name]


async def _send(
    client: ClientSettings, method: str, url: str, body: Mapping[str, Any] | None
) -> tuple[int, Any]:
    """Return the status and the JSON of the answer; None if it is not JSON."""
    key = client.key and client.key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers=headers) as session,
            session.request(method, url, json=body, allow_redirects=False) as response,
        ):
            return response.status, await response.json(content_type=None)
    except TimeoutError as error:
        raise RequestError(
            f"{client.url} did not answer within {TIMEOUT.total:.0f} s; the request may still "
            "complete: check with `pgvend list`."
        ) from error
    except aiohttp.ClientError as error:
        raise RequestError(
            f"Cannot connect to pgvend at {client.url} ({type(error).__name__}): start it with "
            "`pgvend serve`, or set PGVEND_URL."
        ) from error
    except ValueError:
        return 0, None
