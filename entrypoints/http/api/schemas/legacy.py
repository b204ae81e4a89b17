"""Bodies of the original service."""

from typing import Self

from pydantic import BaseModel

from entrypoints.http.api.schemas.fields import Nickname, ResponseBody
from ports.use_cases.provisioned_database import ProvisionedDatabase


class LegacyProject(BaseModel):
    """The member `project` of the original service's request."""

    name: Nickname


class LegacyDatabaseRequest(BaseModel):
    """Request body of the original service; unknown members are ignored."""

    project: LegacyProject


class LegacyDatabaseResponse(ResponseBody):
    """Response body of the original service."""

    hostname: str
    database_name: str
    database_owner: str
    database_owner_password: str
    port: int
    database_type: str = "postgresql"
    database_nickname: str

    @classmethod
    def from_domain(cls, provisioned: ProvisionedDatabase) -> Self:
        connection = provisioned.connection
        return cls(
            hostname=connection.host,
            database_name=connection.database,
            database_owner=connection.user,
            database_owner_password=connection.password.reveal(),
            port=connection.port,
            database_nickname=provisioned.database.nickname.text,
        )
