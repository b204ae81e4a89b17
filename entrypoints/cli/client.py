"""Requests to a running service, their answers and errors.

With Python's own HTTP client: loading aiohttp takes longer than the request.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote, urlencode

import typer

from domain.errors import PgvendError
from domain.text import escape_unprintable_lines
from entrypoints.config.client import ClientSettings, load_client_settings

TIMEOUT = 400
"""Seconds to wait for the service: longer than a call can wait for its turn and for a locked Neon
project together."""

MAX_PAGE_SIZE = "200"


class RequestError(Exception):
    """The request failed; the message says why."""


class NotPgvend(RequestError):
    """The server at PGVEND_URL is not a pgvend service."""

    def __init__(self) -> None:
        super().__init__(
            f"The server at {load_client_settings().address} is not a pgvend service: "
            "set PGVEND_URL."
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
    base = quote(client.url.path.rstrip("/"), safe="/%")
    address = "/".join(quote(part, safe="", errors="replace") for part in path)
    target = f"{base}/v1/{address}?{urlencode(query, errors='replace')}"
    status, answer = _send(client, method, target.removesuffix("?"), body)
    match answer:
        case {"code": "unauthenticated"}:
            raise RequestError(
                f"{client.address} requires an API key: set PGVEND_KEY to a valid one."
            )
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


def _send(
    client: ClientSettings, method: str, target: str, body: Mapping[str, Any] | None
) -> tuple[int, Any]:
    """Return the status and the JSON of the answer; None if it is not JSON."""
    try:
        with closing(_open_connection(client.url)) as connection:
            connection.request(method, target, *_encode_body(client, body))
            response = connection.getresponse()
            return response.status, _parse_json(response.read())
    except TimeoutError as error:
        raise RequestError(
            f"{client.address} did not answer within {TIMEOUT} s; the request may still "
            "complete: check with `pgvend list`."
        ) from error
    except (HTTPException, OSError) as error:
        raise RequestError(
            f"Cannot connect to pgvend at {client.address} ({type(error).__name__}): start it with "
            "`pgvend serve`, or set PGVEND_URL."
        ) from error


def _open_connection(url: SplitResult) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        return HTTPSConnection(host, url.port, timeout=TIMEOUT)
    return HTTPConnection(host, url.port, timeout=TIMEOUT)


def _encode_body(
    client: ClientSettings, body: Mapping[str, Any] | None
) -> tuple[bytes | None, Mapping[str, str]]:
    """Return the encoded body and the headers."""
    key = {"Authorization": f"Bearer {client.key.reveal()}"} if client.key else {}
    if body is None:
        return None, key
    return json.dumps(body).encode(), {**key, "Content-Type": "application/json"}


def _parse_json(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
