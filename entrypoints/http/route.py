"""One call that the service answers: who may make it, what does it, and what its document says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp.typedefs import Handler
from pydantic import BaseModel

from domain.caller import Scope
from domain.errors import PgvendError


class Tag(StrEnum):
    """A group of calls in the document."""

    DATABASES = "databases"
    KEYS = "keys"
    AUDIT = "audit"
    SERVICE = "service"
    ORIGINAL = "original"


TAGS: Mapping[Tag, str] = {
    Tag.DATABASES: "Create databases, read and change their records, get credentials, delete them.",
    Tag.KEYS: "API keys, for admins.",
    Tag.AUDIT: "The audit log, for admins.",
    Tag.SERVICE: "Health of the service, and its reconciler.",
    Tag.ORIGINAL: "The original service's two calls, as its clients know them.",
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
    """One that is no error. `body` is a JSON body's model, or what there is by media types, where
    None has no schema; None of all: no body."""

    status: int
    description: str
    body: type[BaseModel] | Mapping[str, type[BaseModel] | None] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What each of its own says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`scope` is what the caller's key has to be good for; None: nobody is asked for a key.

    `errors` are those of its own, beside what every such call may meet. With `needs_body` an empty
    body is a mistake. Who is not `listed` is not in the document.
    With `may_be_anonymous` PGVEND_ANONYMOUS_CREATE opens it to callers without a key.
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
    listed: bool = True
    may_be_anonymous: bool = False

    @property
    def is_audited(self) -> bool:
        """Whether it is written down who made it: what changes something, or `reveals` a secret."""
        return self.scope is not None and (self.method != "GET" or self.reveals)
