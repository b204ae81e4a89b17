"""The bodies that callers send and get."""

from collections.abc import Set
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.caller import Caller
from domain.connection import Connection
from domain.database import Database
from domain.errors import InvalidRequest
from domain.expiry import DURATION, parse_duration
from domain.labels import KEY, MAX_LABELS, VALUE
from domain.naming import MAX_NICKNAME
from domain.sizes import is_read_only
from domain.states import State
from domain.steps import Step, StepState
from domain.target import Isolation
from entrypoints.formats.rendering import parts
from ports.driving.change import ChangeRequest
from ports.driving.list import Page
from ports.driving.vend import OnConflict, VendRequest
from ports.driving.vended import Vended

ExtensionName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,63}$")]
"""As all are called that there are; what is odd gets no further, into a record say."""

Nickname = Annotated[
    str,
    Field(
        description="It has a letter or a digit, of whatever script, and no control characters.",
        examples=["Sales Data 2024"],
        json_schema_extra={"minLength": 1, "maxLength": MAX_NICKNAME},
    ),
]
Duration = Annotated[
    str,
    Field(
        description="How long it lives, from now: one minute or more.",
        examples=["24h", "P1DT12H"],
        json_schema_extra={"pattern": DURATION},
    ),
]
Labels = Annotated[
    dict[str, str],
    Field(
        examples=[{"team": "web"}],
        json_schema_extra={
            "maxProperties": MAX_LABELS,
            "propertyNames": {"pattern": f"^{KEY.pattern}$"},
            "additionalProperties": {"type": "string", "pattern": f"^{VALUE.pattern}$"},
        },
    ),
]
"""The domain checks these, and says more exactly what is wrong; the document tells its bounds."""


class Body(BaseModel):
    """Unknown members are refused: a misspelt one would be silently without effect. So is what only
    looks like the right thing: 0 is not false."""

    model_config = ConfigDict(extra="forbid", strict=True)


class VendBody(Body):
    nickname: Nickname
    ttl: Duration | None = None
    labels: Labels = Field(default_factory=dict)
    extensions: Annotated[list[ExtensionName], Field(max_length=16)] = Field(default_factory=list)
    on_conflict: OnConflict = OnConflict.SUFFIX

    def request(self, *, key: str | None, caller: Caller) -> VendRequest:
        """Raises InvalidDuration."""
        return VendRequest(
            nickname=self.nickname,
            ttl=None if self.ttl is None else parse_duration(self.ttl),
            labels=self.labels,
            extensions=tuple(self.extensions),
            on_conflict=self.on_conflict,
            key=key,
            caller=caller,
        )


class ChangeBody(Body):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    ttl: Duration | None = None
    labels: Labels | None = None

    def request(self, *, versions: Set[int] | None) -> ChangeRequest:
        """Raises InvalidDuration, and InvalidRequest when nothing is to change."""
        if self.ttl is None and self.labels is None:
            raise InvalidRequest("Nothing is to change: send ttl, labels or both.")
        return ChangeRequest(
            ttl=None if self.ttl is None else parse_duration(self.ttl),
            labels=self.labels,
            versions=versions,
        )


class RestoreBody(Body):
    ttl: Duration | None = None

    def duration(self) -> timedelta | None:
        """Raises InvalidDuration."""
        return None if self.ttl is None else parse_duration(self.ttl)


class RotateBody(Body):
    end_sessions: bool = Field(
        False, description="Whether the owner's open sessions end: true after a leak."
    )


def is_none(value: object) -> bool:
    return value is None


class HostOut(BaseModel):
    host: str
    port: int


class ConnectionOut(BaseModel):
    """Working credentials. Of several servers that stand in for each other, `host` and `port` are
    the first one's, and `hosts` has all."""

    host: str
    port: int
    hosts: list[HostOut] | None = Field(None, exclude_if=is_none)
    target_session_attrs: str | None = Field(
        None,
        exclude_if=is_none,
        description="Which of several hosts to choose, in libpq's words.",
    )
    pooler_host: str | None = Field(None, exclude_if=is_none)
    database: str
    user: str
    password: str
    sslmode: str = Field(description="disable, require, verify-ca or verify-full.")
    sslrootcert: str | None = Field(
        None,
        exclude_if=is_none,
        description="The authorities that vouch for the server, as PEM, unless public ones do.",
    )
    connection_limit: int | None = Field(
        description="How many sessions may be open at once; null where the provider has no limit."
    )
    uri: str

    @classmethod
    def of(cls, connection: Connection) -> Self:
        return cls.model_validate(parts(connection))


class ShownConnectionOut(ConnectionOut):
    verified: bool | None = Field(
        None,
        exclude_if=is_none,
        description="With `verify=true`: whether a login worked. False: the server was busy, or "
        "out of the service's reach; the connection may work all the same.",
    )

    @classmethod
    def shown(cls, vended: Vended) -> Self:
        return cls.model_validate({**parts(vended.connection), "verified": vended.verified})


class StepOut(BaseModel):
    """`error`, where the step failed, says why."""

    name: str
    state: StepState
    at: datetime
    error: str = Field("", exclude_if=lambda error: not error)

    @classmethod
    def of(cls, step: Step) -> Self:
        return cls(name=step.name, state=step.state, at=step.at, error=step.error)


class DatabaseOut(BaseModel):
    """A record, without secrets."""

    id: str
    nickname: str
    state: State
    provider: str
    target: str
    isolation: Isolation
    database: str
    owner: str
    caller: str = Field(description="Whose key it was made with.")
    labels: dict[str, str]
    extensions: list[str] = Field(description="Those that were asked for here.")
    created_at: datetime
    expires_at: datetime | None
    read_only: bool = Field(
        description="True if the database is read-only because it exceeds the size limit."
    )
    steps: list[StepOut]

    @classmethod
    def of(cls, database: Database) -> "DatabaseOut":
        return DatabaseOut(
            id=database.id,
            nickname=database.nickname.typed,
            state=database.state,
            provider=database.target.provider,
            target=database.target.name,
            isolation=database.target.isolation,
            database=database.names.database,
            owner=database.names.owner,
            caller=database.caller,
            labels=dict(database.labels),
            extensions=list(database.extensions),
            created_at=database.created_at,
            expires_at=database.expires_at,
            read_only=is_read_only(database),
            steps=[StepOut.of(step) for step in database.steps],
        )


class VendedOut(DatabaseOut):
    """A record with the credentials that are handed out."""

    connection: ConnectionOut

    @classmethod
    def handed_out(cls, vended: Vended) -> Self:
        record = dict(DatabaseOut.of(vended.database))
        return cls(**record, connection=ConnectionOut.of(vended.connection))


class RotatedOut(VendedOut):
    sessions_ended: bool = Field(
        description="Whether the sessions that the owner had open have ended. Some providers end "
        "them with every new password."
    )

    @classmethod
    def handed_out(cls, vended: Vended) -> Self:
        shown = dict(VendedOut.handed_out(vended))
        return cls(**shown, sessions_ended=vended.sessions_ended)


class PageOut(BaseModel):
    databases: list[DatabaseOut]
    next_page_token: str

    @classmethod
    def of(cls, page: Page) -> Self:
        databases = [DatabaseOut.of(database) for database in page.databases]
        return cls(databases=databases, next_page_token=page.next_page_token)
