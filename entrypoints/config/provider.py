"""Settings of the provider, and of the databases that it provisions."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator, model_validator

from domain.guard_policy import GuardPolicy
from domain.hosts import find_local_host
from domain.postgres_url import PostgresUrl
from domain.targets import Isolation, Target
from entrypoints.config import neon
from entrypoints.config.field_types import (
    Choice,
    DurationLimit,
    ListenAddresses,
    Port,
    Size,
    check_dsn,
    require,
)


class ProviderName(StrEnum):
    EMBEDDED = "embedded"
    POSTGRES = "postgres"
    NEON = "neon"
    MEMORY = "memory"


def _find_dsn_host(dsn: SecretStr | None) -> str | None:
    """Return the host that tenants can use; None if the DSN names a Unix socket."""
    addresses = PostgresUrl.parse(require(dsn).get_secret_value()).addresses
    host = addresses[0].host if addresses else "/"
    return None if host.startswith("/") else host


PROGRAMS = ("initdb", "postgres")
"""Programs of PostgreSQL that the bundled server needs."""


BUNDLED_TRANSACTION_LIMIT = timedelta(hours=24)
"""The default of PGVEND_TRANSACTION_LIMIT for the bundled server; on other servers, transactions
have no age limit by default."""

_NOT_FOR_NEON = {
    "public_host": "which has its own host names: remove it",
    "public_port": "which has its own host names: remove it",
    "size_limit": "which has its own limits: set those of the project",
    "transaction_limit": "which runs without a guard: remove it",
}
"""Settings that do not apply to Neon, and why."""


class ProviderSettings(BaseModel):
    """Settings of the provider."""

    provider: Choice[ProviderName] = Field(
        ProviderName.EMBEDDED,
        validation_alias="PGVEND_PROVIDER",
        description=f"one of {', '.join(ProviderName)}",
    )
    embedded_listen: ListenAddresses = Field(
        ("127.0.0.1",),
        validation_alias="PGVEND_EMBEDDED_LISTEN",
        description="the addresses that the bundled PostgreSQL listens on, comma separated, such "
        "as 127.0.0.1 or 10.0.0.7, or * for all",
    )
    embedded_port: Port | None = Field(
        None,
        validation_alias="PGVEND_EMBEDDED_PORT",
        description="a free port from 1 to 65535 for the bundled PostgreSQL",
    )
    embedded_programs: Path | None = Field(
        None,
        validate_default=True,
        validation_alias="PGVEND_EMBEDDED_PROGRAMS",
        description="nothing, or the bin folder of another PostgreSQL installation, such as "
        "/usr/lib/postgresql/17/bin, for the provider embedded",
    )
    postgres_admin_dsn: SecretStr | None = Field(
        None,
        validate_default=True,
        validation_alias="PGVEND_POSTGRES_ADMIN_DSN",
        description="postgresql://admin:password@host:5432/postgres, of an admin with "
        "CREATEDB and CREATEROLE",
    )
    public_host: str | None = Field(
        None,
        validate_default=True,
        validation_alias="PGVEND_PUBLIC_HOST",
        description="the host by which callers reach the PostgreSQL server",
    )
    public_port: Port | None = Field(
        None,
        validation_alias="PGVEND_PUBLIC_PORT",
        description="the port, from 1 to 65535, by which callers reach the PostgreSQL server",
    )
    neon_project_id: neon.ProjectIdField = None
    neon_host: neon.HostField = None
    neon_api_key: neon.ApiKeyField = None
    neon_branch_id: neon.BranchIdField = None
    neon_api_url: neon.ApiUrlField = neon.OFFICIAL_API_URL
    neon_isolation: neon.IsolationField = neon.NeonIsolation.ROLE
    connection_limit: int = Field(
        20,
        ge=1,
        le=10_000,
        validation_alias="PGVEND_CONNECTION_LIMIT",
        description="the number of sessions, from 1 to 10000, that one tenant can have at once",
    )
    size_limit: Size | None = Field(
        None,
        validation_alias="PGVEND_SIZE_LIMIT",
        description="nothing, or, for embedded and postgres, the size, such as 500MB or 10GB, "
        "above which a database becomes read-only",
    )
    transaction_limit: DurationLimit | None = Field(
        None,
        validation_alias="PGVEND_TRANSACTION_LIMIT",
        description="none, or, for embedded and postgres, the age, such as 24h, after which a "
        "tenant's transaction is ended",
    )
    verify_login: bool = Field(
        True, validation_alias="PGVEND_VERIFY_LOGIN", description="on or off"
    )

    @model_validator(mode="before")
    @classmethod
    def _choose_provider(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Select Neon if one of its variables is set and no provider is."""
        has_neon = any(name.upper() in neon.VARIABLES for name in given)
        return {"provider": ProviderName.NEON} | given if has_neon else given

    @field_validator("embedded_programs")
    @classmethod
    def _check_programs(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        is_used = folder and info.data.get("provider") is ProviderName.EMBEDDED
        if folder and is_used and not all((folder / name).is_file() for name in PROGRAMS):
            raise ValueError(f"not a folder with the programs {' and '.join(PROGRAMS)}")
        return folder and folder.resolve()

    @field_validator("postgres_admin_dsn")
    @classmethod
    def _check_admin_dsn(cls, dsn: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("provider") is ProviderName.POSTGRES:
            if dsn is None:
                raise ValueError("missing, and PGVEND_PROVIDER is postgres")
            check_dsn(dsn)
        return dsn

    @field_validator("public_host")
    @classmethod
    def _check_public_host(cls, host: str | None, info: ValidationInfo) -> str | None:
        dsn = info.data.get("postgres_admin_dsn")
        uses_dsn = info.data.get("provider") is ProviderName.POSTGRES
        if uses_dsn and dsn and not (host or _find_dsn_host(dsn)):
            raise ValueError("missing, and PGVEND_POSTGRES_ADMIN_DSN names no host")
        return host

    @field_validator(*neon.CHECKS)
    @classmethod
    def _check_neon(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("provider") is ProviderName.NEON:
            return neon.validate_setting(str(info.field_name), value)
        return value

    @field_validator(*_NOT_FOR_NEON)
    @classmethod
    def _refuse_for_neon(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("provider") is ProviderName.NEON:
            raise ValueError(f"not for Neon, {_NOT_FOR_NEON[str(info.field_name)]}")
        return value

    def admin_dsn(self) -> str:
        """Return the admin DSN, which the provider `postgres` requires."""
        return require(self.postgres_admin_dsn).get_secret_value()

    @property
    def connection_host(self) -> str | None:
        """The host that connections name; None if only the provider knows it."""
        match self.provider:
            case ProviderName.EMBEDDED:
                return self.public_host or find_local_host(self.embedded_listen)
            case ProviderName.POSTGRES:
                return self.public_host or _find_dsn_host(self.postgres_admin_dsn)
        return None

    @property
    def login_check(self) -> str:
        """The kind of login check after a database was provisioned: the provider's, or `none`."""
        return self.provider if self.verify_login else "none"

    @property
    def guard_policy(self) -> GuardPolicy:
        limit = self.transaction_limit
        if limit is None and self.provider is ProviderName.EMBEDDED:
            limit = BUNDLED_TRANSACTION_LIMIT
        return GuardPolicy(oldest_transaction=limit.total_seconds() if limit else None)

    @property
    def derives_passwords(self) -> bool:
        """Whether pgvend derives the passwords; Neon's API chooses those of its own roles."""
        return self.provider is not ProviderName.NEON or self.isolation is Isolation.ROLE

    @property
    def isolation(self) -> Isolation:
        """The isolation between the tenants of the provider."""
        is_neon = self.provider is ProviderName.NEON
        return Isolation(self.neon_isolation) if is_neon else Isolation.ROLE

    @property
    def target(self) -> Target:
        """The place in which databases are provisioned; databases of other targets are not seen."""
        name = self.provider.value
        is_neon = self.provider is ProviderName.NEON
        place = f"{name}-{self.neon_isolation}" if is_neon else name
        return Target(name=place, provider=name, isolation=self.isolation)
