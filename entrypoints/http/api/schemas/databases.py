"""Schemas of databases."""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field

from domain.callers import Caller
from domain.database import Database
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.lifecycle import Step, StepState
from domain.sizes import is_read_only
from domain.targets import Isolation
from entrypoints.http.api.schemas.connections import ConnectionResponse
from entrypoints.http.api.schemas.fields import (
    DatabaseState,
    Duration,
    EndSessions,
    ExtensionName,
    Labels,
    Nickname,
    RequestBody,
    ResponseBody,
    SourceReference,
    TemplateReference,
)
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.list_databases import DatabasePage
from ports.use_cases.provisioned_database import ProvisionedDatabase

EXPIRY_FIELDS = frozenset({"expires_at", "ttl"})


class CreateDatabaseRequest(RequestBody):
    nickname: Nickname
    ttl: Duration | None = None
    labels: Labels = Field(default_factory=dict)
    extensions: Annotated[list[ExtensionName], Field(max_length=16)] = Field(default_factory=list)
    on_conflict: OnConflict = Field(
        OnConflict.SUFFIX,
        description="If the name is reserved or in use: add a `suffix`, or `reject` the request. "
        "`reuse` returns your database of this nickname instead of a new one.",
    )
    template: TemplateReference | None = None
    source: SourceReference | None = Field(None, alias="from")
    end_sessions: EndSessions = False

    def to_request(self, *, key: str | None, caller: Caller) -> CreateRequest:
        """Return the request of the use case. Raise InvalidDuration."""
        return CreateRequest(
            nickname=self.nickname,
            ttl=None if self.ttl is None else parse_duration(self.ttl),
            labels=self.labels,
            extensions=tuple(self.extensions),
            on_conflict=self.on_conflict,
            template=self.template or "",
            source=self.source or "",
            ends_sessions=self.end_sessions,
            key=key,
            caller=caller,
        )


class ChangeDatabaseRequest(RequestBody):
    """The members to change. Send `expires_at` or `ttl`, not both; null removes the expiry."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    expires_at: AwareDatetime | None = Field(
        None,
        description="Time of expiry, with a time zone: one minute from now or later.",
        examples=["2027-01-31T12:00:00Z"],
    )
    ttl: Duration | None = None
    labels: Labels | None = None

    def to_request(self, *, versions: Set[int] | None) -> ChangeRequest:
        """Return the request of the use case. Raise InvalidDuration, and InvalidRequest if the body
        changes nothing."""
        expiry = EXPIRY_FIELDS & self.model_fields_set
        if expiry == EXPIRY_FIELDS:
            raise InvalidRequest("Send expires_at or ttl, not both.")
        if not expiry and self.labels is None:
            raise InvalidRequest("The body changes nothing: send expires_at, ttl or labels.")
        return ChangeRequest(
            ttl=None if self.ttl is None else parse_duration(self.ttl),
            expires_at=self.expires_at,
            clears_expiry=bool(expiry) and self.ttl is None and self.expires_at is None,
            labels=self.labels,
            versions=versions,
        )


class RestoreDatabaseRequest(RequestBody):
    ttl: Duration | None = None

    def parse_ttl(self) -> timedelta | None:
        """Return the duration that `ttl` means. Raise InvalidDuration."""
        return None if self.ttl is None else parse_duration(self.ttl)


class RotatePasswordRequest(RequestBody):
    end_sessions: bool = Field(
        False, description="True to end the owner's open sessions, for example after a leak."
    )


class StepResponse(ResponseBody):
    """A step of an operation; `error` is the reason if it failed."""

    name: str
    state: StepState
    at: datetime
    error: str = Field("", exclude_if=lambda error: not error)

    @classmethod
    def from_domain(cls, step: Step) -> Self:
        return cls(name=step.name, state=step.state, at=step.at, error=step.error)


class DatabaseResponse(ResponseBody):
    """The record of a database, without secrets."""

    id: str
    nickname: str
    state: DatabaseState
    provider: str
    target: str
    isolation: Isolation
    database: str
    owner: str
    caller: str = Field(description="The caller that created it.")
    labels: dict[str, str]
    extensions: list[str] = Field(description="The extensions that were requested through the API.")
    source: str | None = Field(
        description="The id of the template or database that it is a copy of; null if it is not."
    )
    created_at: datetime
    expires_at: datetime | None
    restorable_until: datetime | None = Field(
        description="The time at which the expired database is deleted; null in other states."
    )
    read_only: bool = Field(
        description="True if the database is read-only because it exceeds the size limit."
    )
    export: str | None = Field(
        description="The file in the service's export folder to which the expired database was "
        "dumped before its deletion; null if it was not."
    )
    size: int | None = Field(
        None,
        description="Bytes on disk, measured within the last minute; only with `size=true`, and if "
        "the size is known.",
        exclude_if=lambda size: size is None,
    )
    steps: list[StepResponse]

    @classmethod
    def from_domain(cls, database: Database, size: int | None = None) -> "DatabaseResponse":
        return DatabaseResponse(
            id=database.id,
            nickname=database.nickname.text,
            state=database.state,
            provider=database.target.provider,
            target=database.target.name,
            isolation=database.target.isolation,
            database=database.names.database,
            owner=database.names.owner,
            caller=database.caller,
            labels=dict(database.labels),
            extensions=list(database.extensions),
            source=database.source or None,
            created_at=database.created_at,
            expires_at=database.expires_at,
            restorable_until=database.restorable_until,
            read_only=is_read_only(database),
            export=database.export or None,
            size=size,
            steps=[StepResponse.from_domain(step) for step in database.steps],
        )


class DatabaseWithConnectionResponse(DatabaseResponse):
    """The record of a database with its credentials."""

    connection: ConnectionResponse

    @classmethod
    def from_provisioned(cls, provisioned: ProvisionedDatabase) -> Self:
        record = dict(DatabaseResponse.from_domain(provisioned.database))
        return cls(**record, connection=ConnectionResponse.from_domain(provisioned.connection))


class DatabaseWithNewPasswordResponse(DatabaseWithConnectionResponse):
    """The record of a database with its credentials after a rotation."""

    sessions_ended: bool = Field(
        description="True if the owner's open sessions were ended. Some providers end them with "
        "every new password."
    )

    @classmethod
    def from_provisioned(cls, provisioned: ProvisionedDatabase) -> Self:
        fields = dict(DatabaseWithConnectionResponse.from_provisioned(provisioned))
        return cls(**fields, sessions_ended=provisioned.sessions_ended)


class DatabasePageResponse(ResponseBody):
    """A page of databases; `next_page_token` is empty on the last page."""

    databases: list[DatabaseResponse]
    next_page_token: str

    @classmethod
    def from_domain(cls, page: DatabasePage, sizes: Mapping[str, int]) -> Self:
        databases = [
            DatabaseResponse.from_domain(database, sizes.get(database.id))
            for database in page.databases
        ]
        return cls(databases=databases, next_page_token=page.next_page_token)


class DeletedDatabasesResponse(ResponseBody):
    """The ids of the databases whose deletion was requested."""

    ids: list[str]
