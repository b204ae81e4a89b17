"""Knobs: how long things take, what is limited, and what nobody could tell us about Neon."""

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    """May be changed at any moment; what begins afterwards goes by it. Times are in seconds."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    operation_seconds: float = Field(0.05, ge=0)
    start_compute_seconds: float = Field(0.05, ge=0)
    late_seconds: float = Field(0, ge=0)
    """A new role, password or database works that long after its operation has finished."""

    idle: bool = False
    """Computes sleep whenever no operation runs; each change wakes one and suspends it again."""
    drop_connections: bool = True
    """A new role or password ends everybody's sessions on the compute."""
    read_write_compute: bool = True
    store_passwords: bool = True
    """False holds for every project, True for those that were made to store them."""
    uri_without_password: bool = False
    """Whether a connection URI is given, without its password, where passwords are not stored."""

    pass_while_locked: int = Field(0, ge=0)
    """So many changes may run beside the one that locks the project, as happens on Neon."""
    locked_code: str = ""

    roles_limit: int = Field(500, ge=0)
    databases_limit: int = Field(500, ge=0)
    projects_limit: int = Field(100, ge=0)
    page_size: int = Field(10, ge=1, le=400)
    """Of lists whose caller gives no limit."""

    duplicate_role_status: int = Field(409, ge=400, le=499)
    duplicate_role_code: str = ""
    duplicate_role_message: str = "role already exists"
    duplicate_database_status: int = Field(409, ge=400, le=499)
    duplicate_database_code: str = "DATABASE_ALREADY_EXISTS"
    duplicate_database_message: str = "database already exists"
    name_error_status: int = Field(400, ge=400, le=499)
    owner_deletion_status: int = Field(422, ge=400, le=499)
    """Of deleting a role that owns a database."""
    foreign_status: int = Field(404, ge=400, le=499)
    """Of a project or branch that there is not: Neon answers 404 or 403."""
    no_login_password: bool = False
    """Whether a role that cannot log in is given a password all the same."""
    unmade_stay_listed: bool = True
    """Whether the lists keep what an operation that ended in an error was to make."""
