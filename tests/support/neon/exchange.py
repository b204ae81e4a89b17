"""One request to Neon's API and its answer, in the form that openapi-core wants them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

API = "/api/v2"
"""Where Neon has its API on a host, and the emulator on its own."""


@dataclass(frozen=True)
class Answer:
    """What was answered; the names are openapi-core's."""

    status_code: int
    data: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """A request, with its path below the API's and as it was sent, percent-encoded."""

    method: str
    path: str
    answer: Answer
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        return self.answer.status_code < 400

    @property
    def query_names(self) -> set[str]:
        return {name for name, _ in parse_qsl(self.query, keep_blank_values=True)}


class Asked:
    """The request of an exchange; openapi-core writes what it finds in the path into it."""

    host_url = "https://console.neon.tech"

    def __init__(self, exchange: Exchange) -> None:
        self.method = exchange.method.lower()
        self.path = API + exchange.path
        self.body = exchange.body or None
        self.content_type = exchange.headers.get("Content-Type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange.query, keep_blank_values=True)),
            header=Headers(dict(exchange.headers)),
        )


async def exchanged(request: web.Request, answer: web.Response) -> Exchange:
    """What the emulator's server saw; the body of a refused request may be too large to read."""
    body = answer.body
    return Exchange(
        method=request.method,
        path=request.rel_url.raw_path.removeprefix(API),
        query=request.rel_url.raw_query_string,
        headers=request.headers,
        body=await request.read() if answer.status < 400 else b"",
        answer=Answer(
            status_code=answer.status,
            data=bytes(body) if isinstance(body, bytes | bytearray) else b"",
            content_type=answer.content_type,
            headers=answer.headers,
        ),
    )
