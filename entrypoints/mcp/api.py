"""Requests of the tools to pgvend's HTTP API, each with the key of its caller."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import SplitResult

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from yarl import URL

from domain.callers import ANYONE
from domain.errors import DatabaseNotFound, Unauthenticated
from domain.hosts import is_loopback
from domain.secrets import Secret
from entrypoints.config.client import format_target
from entrypoints.mcp.problems import ToolProblem

CONNECT_TIMEOUT = 15
"""Seconds to wait for a connection."""

TIMEOUT = 400
"""Seconds to wait for the service: longer than a call can wait for its turn and for a locked Neon
project together."""

MAX_CONNECTIONS = 1000
"""Requests at once; further ones wait."""

MAX_ANSWER = 8 * 2**20
"""Bytes of an answer."""

TRACE_CONTEXT = TraceContextTextMapPropagator()
"""Continues the trace that the client has started, if it has."""

UNREACHABLE = "unreachable"

NO_KEY = (
    "The service requires an API key: ask the user to set PGVEND_KEY, or where the client uses "
    "HTTP, the header Authorization: Bearer <key>."
)

OPEN_SERVICE = (
    "The service requires no API key, but this server has callers on other machines: ask the "
    "user to set PGVEND_ADMIN_KEY of the service, and to give each client a key."
)

Query = Sequence[tuple[str, str]]
Record = Mapping[str, Any]
"""A JSON object of the API, such as the record of a database."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Record
    headers: Mapping[str, str]

    @property
    def date(self) -> datetime:
        """The time of the answer, by the clock of the service where it names it."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except ValueError:
            return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Api:
    """The API at `url`. Without a `key`, only a service without keys accepts the requests.

    Such a service serves callers on its own machine alone. If callers of this server can be
    elsewhere, as `serves_others` says, it is not used: to it, they would be on its machine.
    """

    session: ClientSession
    url: SplitResult
    key: Secret | None = None
    serves_others: bool = False

    async def send(
        self,
        method: str,
        *path: str,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request to `path` under /v1, and return the answer. Raises ToolProblem, with the
        code of the API's problem or one of this class."""
        if self.serves_others and is_loopback(self.url.hostname or ""):
            await self._require_keys()
        return await self._send(method, *path, query=query, body=body, headers=headers)

    async def _require_keys(self) -> None:
        """Raise ToolProblem if the service needs no key."""
        whoami = await self._send("GET", "whoami")
        if whoami.body.get("caller") == ANYONE.name and whoami.body.get("key_id") is None:
            raise ToolProblem(Unauthenticated.code, OPEN_SERVICE)

    async def _send(
        self,
        method: str,
        *path: str,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        for part in path:
            if part in {"", ".", ".."}:  # which would change the path
                raise ToolProblem(DatabaseNotFound.code, f"There is no database {part!r}.")
        target = format_target(self.url, ("v1", *path), query)
        address = URL(f"{self.url.scheme}://{self.url.netloc}{target}", encoded=True)
        answer = await self._exchange(method, address, body, self._headers(headers or {}))
        self._check(answer)
        return answer

    async def fetch(self, method: str, *path: str, **request: Any) -> Record:
        """Send a request, and return the body of the answer. Raises ToolProblem."""
        return (await self.send(method, *path, **request)).body

    def _headers(self, more: Mapping[str, str]) -> Mapping[str, str]:
        headers = {"Accept": "application/json", **more}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key.reveal()}"
        TRACE_CONTEXT.inject(headers)
        return headers

    async def _exchange(
        self,
        method: str,
        address: URL,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            async with self.session.request(
                method, address, json=body, headers=headers, allow_redirects=False
            ) as response:
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, _parse_object(await _read(response)), names)
        except ClientConnectorError as error:
            raise ToolProblem(
                UNREACHABLE, self._explain_connection(error), retryable=True
            ) from error
        except (ClientError, OSError, TimeoutError) as error:
            raise ToolProblem(
                UNREACHABLE,
                f"{self._address} gave no answer ({type(error).__name__}). The call may have "
                "completed: look with get_database before you repeat it.",
                retryable=True,
            ) from error

    def _explain_connection(self, error: ClientConnectorError) -> str:
        return (
            f"Cannot connect to pgvend at {self._address} ({error.os_error.strerror or 'no TLS'}): "
            "ask the user to start it, or to correct PGVEND_URL."
        )

    def _check(self, answer: Answer) -> None:
        """Raise ToolProblem unless the request succeeded."""
        match answer.body:
            case {"code": str(code), "detail": str(detail), "retryable": bool(retryable)} as body:
                raise ToolProblem(
                    code,
                    NO_KEY if code == Unauthenticated.code else detail,
                    retryable=retryable,
                    retry_after=_parse_seconds(answer.headers.get("retry-after", "")),
                    request_id=body.get("request_id"),
                )
        if not answer.body or answer.status >= 300:
            raise ToolProblem(
                "not_pgvend",
                f"The server at {self._address} answered HTTP {answer.status}, and not as pgvend "
                "does: ask the user to correct PGVEND_URL.",
                retryable=answer.status in {502, 503, 504},
            )

    @property
    def _address(self) -> str:
        return self.url.geturl()


@asynccontextmanager
async def opening_api(
    url: SplitResult, key: Secret | None, *, serves_others: bool = False
) -> AsyncIterator[Api]:
    """Open connections to the API as needed, and close them at the end. They take no cookies, no
    proxy and no password from the environment or from other callers' answers."""
    async with ClientSession(
        timeout=ClientTimeout(total=TIMEOUT, sock_connect=CONNECT_TIMEOUT),
        cookie_jar=DummyCookieJar(),
        connector=TCPConnector(limit=MAX_CONNECTIONS),
        headers={"User-Agent": f"pgvend-mcp/{version('pgvend')}"},
    ) as session:
        yield Api(session, url, key, serves_others)


async def _read(response: ClientResponse) -> bytes:
    """Return the whole body. Raises ClientPayloadError if it is too large."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER:
            raise ClientPayloadError(f"more than {MAX_ANSWER} bytes")
    return bytes(content)


def _parse_object(content: bytes) -> Record:
    """Return the object of JSON, an empty one for anything else."""
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _parse_seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
