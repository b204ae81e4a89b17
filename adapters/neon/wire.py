"""What Neon's API answers, as far as we read it.

Tolerant: fields that we do not know are passed over, and what may grow
(actions, states) is text.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """What is null is as good as absent."""
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


class Operation(Wire):
    """Work that Neon does behind an answer. `total_duration_ms` counts the time it ran."""

    id: str
    action: str = ""
    status: str
    total_duration_ms: int = 0


class Accepted(Wire):
    """The answer to a change: what is wanted is written down, the operations make it so."""

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
    """`default` marks the project's default branch, whatever its name is."""

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
    """An error's body. `code` is empty more often than not."""

    request_id: str = ""
    code: str = ""
    message: str = ""
