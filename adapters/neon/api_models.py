"""Models of the responses of Neon's API, with the fields that pgvend reads.

Unknown fields are ignored, and values that may grow (actions, states) are text.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """Treat a null field as absent."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


class Operation(Wire):
    """An asynchronous operation of a request. `total_duration_ms` is its running time."""

    id: str
    action: str = ""
    status: str
    total_duration_ms: int = 0


class Accepted(Wire):
    """The response to a change that was accepted; its operations carry it out."""

    operations: tuple[Operation, ...] = ()


class Role(Wire):
    name: str
    created_at: datetime
    password: SecretStr | None = None


class Database(Wire):
    id: int
    name: str
    owner_name: str
    created_at: datetime


class Project(Wire):
    """`name` is free text and not unique."""

    id: str
    name: str
    created_at: datetime
    region_id: str | None = None
    pg_version: int | None = None
    org_id: str | None = None


class Branch(Wire):
    """`default` marks the project's default branch; its name varies."""

    id: str
    default: bool = False


class Endpoint(Wire):
    host: str
    type: str = ""
    disabled: bool = False


class OneRole(Accepted):
    role: Role


class Roles(Wire):
    roles: tuple[Role, ...]


class Databases(Wire):
    databases: tuple[Database, ...]


class OneProject(Wire):
    project: Project


class Pagination(Wire):
    cursor: str = ""


class Projects(Wire):
    projects: tuple[Project, ...]
    pagination: Pagination = Field(default_factory=Pagination)


class OneBranch(Wire):
    branch: Branch


class Branches(Wire):
    branches: tuple[Branch, ...]


class Endpoints(Wire):
    endpoints: tuple[Endpoint, ...]


class OneOperation(Wire):
    operation: Operation


class Operations(Wire):
    operations: tuple[Operation, ...]


class Password(Wire):
    password: SecretStr


class ConnectionUri(Wire):
    uri: SecretStr


class NewProject(Accepted):
    project: Project
    branch: Branch


class Problem(Wire):
    """An error's body. `code` is often empty."""

    request_id: str = ""
    code: str = ""
    message: str = ""
