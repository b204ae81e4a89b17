"""Requests and responses of Neon's API, in the form that openapi-core checks."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.support.neon.description import shape_of, shape_of_json

API = "/api/v2"
"""The base path of the API, on Neon and on the emulator."""


@dataclass(frozen=True)
class RecordedResponse:
    """A response; the names of the fields are openapi-core's."""

    status_code: int
    data: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """A request and its response; the path is relative to the API and percent-encoded."""

    method: str
    path: str
    response: RecordedResponse
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_accepted(self) -> bool:
        return self.response.status_code < 400

    @property
    def shape(self) -> Hashable:
        """The key of equivalent exchanges: either all of them conform or none."""
        bodies = (shape_of_json(self.body), shape_of_json(self.response.data))
        query = shape_of(parse_qsl(self.query, keep_blank_values=True))
        types = (self.headers.get("Content-Type"), self.response.content_type)
        return (*bodies, query, *types, frozenset(name.lower() for name in self.headers))

    @property
    def query_names(self) -> set[str]:
        return {name for name, _ in parse_qsl(self.query, keep_blank_values=True)}


class OpenApiRequest:
    """The request of an exchange; openapi-core stores the path's parameters in it."""

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
