"""Settings of the emulator: durations, limits, and details that Neon does not document."""

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    """The settings. They may change at any time and apply to later requests; times are in
    seconds."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    operation_seconds: float = Field(0.05, ge=0)
    start_compute_seconds: float = Field(0.05, ge=0)
    late_seconds: float = Field(0, ge=0)
    """Delay between the end of an operation and the moment at which its change takes effect."""

    idle: bool = False
    """Whether computes are suspended while no operation runs; each change starts and suspends
    one."""
    drop_connections: bool = True
    """Whether a new role or password ends all sessions on the compute."""
    read_write_compute: bool = True
    store_passwords: bool = True
    """False applies to every project; True to projects created with `store_passwords`."""
    uri_without_password: bool = False
    """Whether connection URIs are returned, without a password, if passwords are not stored."""

    pass_while_locked: int = Field(0, ge=0)
    """How many changes may run at the same time as the one that locks the project."""
    locked_code: str = ""

    roles_limit: int = Field(500, ge=0)
    databases_limit: int = Field(500, ge=0)
    projects_limit: int = Field(100, ge=0)
    page_size: int = Field(10, ge=1, le=400)
    """The size of pages if the request has no limit."""

    duplicate_role_status: int = Field(409, ge=400, le=499)
    duplicate_role_code: str = ""
    duplicate_role_message: str = "role already exists"
    duplicate_database_status: int = Field(409, ge=400, le=499)
    duplicate_database_code: str = "DATABASE_ALREADY_EXISTS"
    duplicate_database_message: str = "database already exists"
    name_error_status: int = Field(400, ge=400, le=499)
    owner_deletion_status: int = Field(422, ge=400, le=499)
    """The status for deleting a role that owns a database."""
    foreign_status: int = Field(404, ge=400, le=499)
    """The status for a project or branch that does not exist: Neon sends 404 or 403."""
    no_login_password: bool = False
    """Whether a role that cannot log in gets a password."""
    failed_stay_listed: bool = True
    """Whether lists keep objects whose creation failed."""
