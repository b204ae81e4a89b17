"""The bodies that the original service took and gave."""

from typing import Self

from pydantic import BaseModel

from entrypoints.http.schemas import Nickname
from ports.driving.vended import Vended


class LegacyProject(BaseModel):
    name: Nickname


class LegacyBody(BaseModel):
    """What the original service took; it passed over members that it did not know."""

    project: LegacyProject


class LegacyOut(BaseModel):
    """What the original service answered."""

    hostname: str
    database_name: str
    database_owner: str
    database_owner_password: str
    port: int
    database_type: str = "postgresql"
    database_nickname: str

    @classmethod
    def of(cls, vended: Vended) -> Self:
        connection = vended.connection
        return cls(
            hostname=connection.host,
            database_name=connection.database,
            database_owner=connection.user,
            database_owner_password=connection.password.reveal(),
            port=connection.port,
            database_nickname=vended.database.nickname.typed,
        )
