"""The bodies about keys, and about who did what."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from domain.audit import AuditEntry
from domain.caller import Scope
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.keys import LARGEST_QUOTA, MAX_ORIGINS, NAME, ApiKey
from domain.rate import SHAPE, parse_rate
from domain.secret import Secret
from entrypoints.http.schemas import Body, Duration
from entrypoints.setting_types import is_origin
from ports.driving.audit import AuditPage
from ports.driving.manage_keys import KeyRequest


class KeyBody(Body):
    """Without a name it is a caller of its own. `origins` are of the web pages that get it."""

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")] | None = None
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    quota: Annotated[int, Field(ge=0, le=LARGEST_QUOTA)] | None = None
    rate: Annotated[str, Field(pattern=f"^{SHAPE.pattern}$")] | None = None
    origins: Annotated[list[str], Field(max_length=MAX_ORIGINS)] = Field(default_factory=list)
    ttl: Duration | None = None

    def request(self) -> KeyRequest:
        """Raises InvalidRequest and InvalidDuration."""
        return KeyRequest(
            name=self.name,
            scopes=frozenset(self.scopes),
            quota=self.quota,
            rate=None if self.rate is None else parse_rate(self.rate),
            origins=frozenset(map(_origin, self.origins)),
            ttl=None if self.ttl is None else parse_duration(self.ttl),
        )


class KeyOut(BaseModel):
    """A key as others may see it."""

    id: str = Field(description="How the key begins.")
    name: str = Field(description="The caller; keys of one name share their databases.")
    scopes: list[Scope]
    quota: int | None
    rate: str | None
    origins: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "KeyOut":
        return KeyOut(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            quota=key.quota,
            rate=None if key.rate is None else str(key.rate),
            origins=sorted(key.origins),
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )


class NewKeyOut(KeyOut):
    """The only answer that holds the key itself. `notices` are what its maker may not expect."""

    key: str
    notices: list[str]

    @classmethod
    def handed_out(cls, record: ApiKey, key: Secret, notices: list[str]) -> Self:
        return cls(**dict(KeyOut.of(record)), key=key.reveal(), notices=notices)


class KeysOut(BaseModel):
    keys: list[KeyOut]

    @classmethod
    def of(cls, keys: list[ApiKey]) -> Self:
        return cls(keys=[KeyOut.of(key) for key in keys])


class AuditEntryOut(BaseModel):
    """`outcome` is `done`, or the code of the error that it ended in."""

    id: str
    at: datetime
    caller: str
    key: str
    action: str
    subject: str
    address: str
    request_id: str
    outcome: str

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls.model_validate(entry, from_attributes=True)


class AuditOut(BaseModel):
    entries: list[AuditEntryOut]
    next_page_token: str

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        entries = [AuditEntryOut.of(entry) for entry in page.entries]
        return cls(entries=entries, next_page_token=page.next_page_token)


def _origin(text: str) -> str:
    origin = text.rstrip("/").lower()
    if not is_origin(origin):
        raise InvalidRequest(f"{text[:63]!r} is no origin: write it as https://app.example.")
    return origin
