"""Schemas of connections."""

from typing import Self

from pydantic import Field

from domain.connection import Connection
from entrypoints.formats.rendering import to_members
from entrypoints.http.api.schemas.fields import ResponseBody, is_none
from ports.use_cases.provisioned_database import ProvisionedDatabase


class HostResponse(ResponseBody):
    """One server of a cluster."""

    host: str
    port: int


class ConnectionResponse(ResponseBody):
    """Working credentials.

    For a cluster of several servers, `host` and `port` are those of the first server, and `hosts`
    lists all of them.
    """

    host: str
    port: int
    hosts: list[HostResponse] | None = Field(None, exclude_if=is_none)
    target_session_attrs: str | None = Field(
        None,
        exclude_if=is_none,
        description="Which of several hosts to connect to, as a libpq value.",
    )
    pooler_host: str | None = Field(None, exclude_if=is_none)
    database: str
    user: str
    password: str
    sslmode: str = Field(description="disable, require, verify-ca or verify-full.")
    sslrootcert: str | None = Field(
        None,
        exclude_if=is_none,
        description="The certificate authorities that signed the server's certificate, as PEM; "
        "absent if public authorities did.",
    )
    connection_limit: int | None = Field(
        description="Maximum number of concurrent sessions; null if the provider has no limit."
    )
    uri: str

    @classmethod
    def from_domain(cls, connection: Connection) -> Self:
        return cls.model_validate(to_members(connection))


class RevealedConnectionResponse(ConnectionResponse):
    """Working credentials, and the result of the login check where one was requested."""

    verified: bool | None = Field(
        None,
        exclude_if=is_none,
        description="With `verify=true`: true if a login succeeded. False if the server was busy "
        "or not reachable from the service; the connection may still work.",
    )

    @classmethod
    def from_provisioned(cls, provisioned: ProvisionedDatabase) -> Self:
        return cls.model_validate(
            {**to_members(provisioned.connection), "verified": provisioned.verified}
        )
