"""Models of the responses of Neon's API, with the fields that pgvend reads.

Unknown fields are ignored, and values that may grow (actions, states) are text.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ApiModel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, given: Any) -> Any:
        """Treat a null field as absent."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


class Operation(ApiModel):
    """An asynchronous operation of a request. `total_duration_ms` is its running time."""

    id: str
    action: str = ""
    status: str
    total_duration_ms: int = 0


class Accepted(ApiModel):
    """The response to a change that was accepted; its operations carry it out."""

    operations: tuple[Operation, ...] = ()


class Role(ApiModel):
    name: str
    created_at: datetime
    password: SecretStr | None = None


class Database(ApiModel):
    id: int
    name: str
    owner_name: str
    created_at: datetime


class Project(ApiModel):
    """`name` is free text and not unique."""

    id: str
    name: str
    created_at: datetime
    region_id: str | None = None
    pg_version: int | None = None
    org_id: str | None = None


class Branch(ApiModel):
    """`default` marks the project's default branch; its name varies."""

    id: str
    default: bool = False


class Endpoint(ApiModel):
    host: str
    type: str = ""
    disabled: bool = False


class RoleResponse(Accepted):
    role: Role


class Roles(ApiModel):
    roles: tuple[Role, ...]


class Databases(ApiModel):
    databases: tuple[Database, ...]


class ProjectResponse(ApiModel):
    project: Project


class Pagination(ApiModel):
    cursor: str = ""


class Projects(ApiModel):
    projects: tuple[Project, ...]
    pagination: Pagination = Field(default_factory=Pagination)


class BranchResponse(ApiModel):
    branch: Branch


class Branches(ApiModel):
    branches: tuple[Branch, ...]


class Endpoints(ApiModel):
    endpoints: tuple[Endpoint, ...]


class OperationResponse(ApiModel):
    operation: Operation


class Operations(ApiModel):
    operations: tuple[Operation, ...]


class Password(ApiModel):
    password: SecretStr


class ConnectionUri(ApiModel):
    uri: SecretStr


class NewProject(Accepted):
    project: Project
    branch: Branch


class Problem(ApiModel):
    """An error's body. `code` is often empty."""

    request_id: str = ""
    code: str = ""
    message: str = ""
