"""Schemas of callers and of the exchange of codes for keys."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from domain.callers import Scope
from entrypoints.http.api.schemas.fields import RequestBody, ResponseBody
from ports.use_cases.describe_caller import CallerDescription


class WhoamiResponse(ResponseBody):
    """The caller of the request, and what its key may do."""

    caller: str = Field(description="The name of the caller, who owns its databases.")
    key_id: str | None = Field(
        description="The id of the key, or its name in the settings; null without a key."
    )
    scopes: list[Scope]
    quota: int | None
    databases: int = Field(description="The databases of the caller that its quota counts.")
    expires_at: datetime | None = Field(description="The time until which the key is valid.")
    can_see_all: bool = Field(description="True if the caller sees the databases of all callers.")

    @classmethod
    def from_domain(cls, described: CallerDescription) -> Self:
        caller = described.caller
        return cls(
            caller=caller.name,
            key_id=caller.key or None,
            scopes=sorted(caller.scopes),
            quota=caller.quota,
            databases=described.databases,
            expires_at=caller.key_expires_at,
            can_see_all=caller.can_see_all,
        )


class ExchangeKeyRequest(RequestBody):
    """The one-time code that `pgvend serve` printed on its terminal."""

    code: Annotated[str, Field(min_length=1, max_length=64, examples=["7K3M-9QXR"])]


class ExchangedKeyResponse(ResponseBody):
    """An API key."""

    key: str
