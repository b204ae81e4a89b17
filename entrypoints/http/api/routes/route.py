"""Routes: method, path, handler, scope and documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp.typedefs import Handler
from pydantic import BaseModel

from domain.callers import Scope
from domain.errors import PgvendError


class Tag(StrEnum):
    """A group of operations in the OpenAPI document."""

    DATABASES = "databases"
    TEMPLATES = "templates"
    WEBHOOKS = "webhooks"
    KEYS = "keys"
    AUDIT = "audit"
    SERVICE = "service"
    ORIGINAL = "original"


TAGS: Mapping[Tag, str] = {
    Tag.DATABASES: "Create databases, read and change their records, get credentials, delete them.",
    Tag.TEMPLATES: "Frozen databases, from which others are copied.",
    Tag.WEBHOOKS: "Receivers of the events of databases.",
    Tag.KEYS: "API keys, for admins, and the caller of a key.",
    Tag.AUDIT: "The audit log, for admins.",
    Tag.SERVICE: "Health of the service, its metrics, its reconciler and its spares.",
    Tag.ORIGINAL: "The two operations of the original service, unchanged for its clients.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`place` is `query`, `path` or `header`; `schema` is the JSON schema of the value."""

    place: str
    name: str
    schema: Mapping[str, object]
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer. `body` is the model of a JSON body, or a mapping from media types to
    models (None: no schema), or None for an empty answer."""

    status: int
    description: str
    body: type[BaseModel] | Mapping[str, type[BaseModel] | None] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Descriptions of its headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An operation of the API.

    `scope` is the scope that the caller's key needs; None needs no key or, with `takes_any_key`, a
    key of any scope. `errors` are specific to the route; the document adds those of all routes.
    With `needs_body` an empty body is an error. The calls of a route that `reveals` a secret are
    audited. The document has the routes that are `is_documented`. With `may_be_anonymous`,
    PGVEND_ANONYMOUS_CREATE opens it to callers without a key.
    """

    method: str
    path: str
    handler: Handler
    scope: Scope | None
    name: str
    tag: Tag
    summary: str
    description: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    needs_body: bool = True
    errors: tuple[type[PgvendError], ...] = ()
    reveals: bool = False
    is_documented: bool = True
    may_be_anonymous: bool = False
    takes_any_key: bool = False

    @property
    def needs_key(self) -> bool:
        return self.takes_any_key or self.scope is not None

    @property
    def is_strict(self) -> bool:
        """Whether unknown query parameters are rejected; the original routes ignore them."""
        return self.path.startswith("/v1/")

    @property
    def is_audited(self) -> bool:
        """Whether calls are audited: those that change something or reveal a secret."""
        return self.reveals or (self.needs_key and self.method != "GET")
