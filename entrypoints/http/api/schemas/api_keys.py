"""Schemas of API keys."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from domain.api_keys import KEY_NAME_PATTERN, MAX_ORIGINS, MAX_QUOTA, ApiKey
from domain.callers import Scope
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.rates import RATE_PATTERN, parse_rate
from domain.secrets import Secret
from entrypoints.config.field_types import is_origin
from entrypoints.http.api.schemas.fields import Duration, RequestBody, ResponseBody
from ports.use_cases.manage_api_keys import ApiKeyPage, ApiKeyRequest


class CreateApiKeyRequest(RequestBody):
    """A key without a `name` belongs to a caller of its own. `origins` bind it to web pages."""

    name: Annotated[str, Field(pattern=f"^{KEY_NAME_PATTERN.pattern}$")] | None = None
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    quota: Annotated[int, Field(ge=0, le=MAX_QUOTA)] | None = None
    rate: Annotated[str, Field(pattern=f"^{RATE_PATTERN.pattern}$")] | None = None
    origins: Annotated[list[str], Field(max_length=MAX_ORIGINS)] = Field(default_factory=list)
    ttl: Duration | None = None

    def to_request(self) -> ApiKeyRequest:
        """Return the request of the use case. Raise InvalidRequest and InvalidDuration."""
        return ApiKeyRequest(
            name=self.name,
            scopes=frozenset(self.scopes),
            quota=self.quota,
            rate=None if self.rate is None else parse_rate(self.rate),
            origins=frozenset(map(_parse_origin, self.origins)),
            ttl=None if self.ttl is None else parse_duration(self.ttl),
        )


class ApiKeyResponse(ResponseBody):
    """The record of an API key, without the key."""

    id: str = Field(description="The first part of the key.")
    name: str = Field(description="The caller; keys with the same name share their databases.")
    scopes: list[Scope]
    quota: int | None
    rate: str | None
    origins: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def from_domain(cls, key: ApiKey) -> "ApiKeyResponse":
        return ApiKeyResponse(
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


class NewApiKeyResponse(ApiKeyResponse):
    """The record of a new API key with the key, which is shown only once.

    `notices` lists differences from the request and settings that limit the key.
    """

    key: str
    notices: list[str]

    @classmethod
    def with_key(cls, record: ApiKey, key: Secret, notices: list[str]) -> Self:
        return cls(**dict(ApiKeyResponse.from_domain(record)), key=key.reveal(), notices=notices)


class ApiKeyPageResponse(ResponseBody):
    """A page of API keys; `next_page_token` is empty on the last page."""

    keys: list[ApiKeyResponse]
    next_page_token: str

    @classmethod
    def from_domain(cls, page: ApiKeyPage) -> Self:
        keys = [ApiKeyResponse.from_domain(key) for key in page.keys]
        return cls(keys=keys, next_page_token=page.next_page_token)


def _parse_origin(text: str) -> str:
    origin = text.rstrip("/").lower()
    if not is_origin(origin):
        raise InvalidRequest(f"{text[:63]!r} is not an origin: write it as https://app.example.")
    return origin
