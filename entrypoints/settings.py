"""What the operator sets, in the environment or in `.env`."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.database import Isolation, Target
from entrypoints import neon_settings as neon
from entrypoints.setting_types import Duration, Origins, Port, check_dsn, is_loopback, needed

ENV_FILE = ".env"


class ProviderName(StrEnum):
    EMBEDDED = "embedded"
    POSTGRES = "postgres"
    NEON = "neon"
    MEMORY = "memory"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """The service's settings; a field's description is the mend that a mistake is told with."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_ignore_empty=True,  # an empty PGVEND_DATA_DIR would be the current folder
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    host: str = Field("127.0.0.1", validation_alias="HOST", description="the address to listen on")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias="PORT",
        description="a port from 1 to 65535, or 0 for any free one",
    )
    provider: ProviderName = Field(
        ProviderName.EMBEDDED,
        validation_alias="PGVEND_PROVIDER",
        description=f"one of {', '.join(ProviderName)}",
    )
    data_dir: Path = Field(
        Path(".pgvend"),
        validation_alias="PGVEND_DATA_DIR",
        description="a folder of pgvend's own",
    )
    registry_url: SecretStr | None = Field(
        None,
        validation_alias="PGVEND_REGISTRY_URL",
        description="postgresql://user:password@host:5432/database, for replicas that share their "
        "records; without it they are in the data folder",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
        validate_default=True,
        validation_alias="PGVEND_SECRET",
        description="32 or more random characters, such as `openssl rand -hex 32` prints",
    )
    embedded_port: Port | None = Field(
        None,
        validation_alias="PGVEND_EMBEDDED_PORT",
        description="a free port from 1 to 65535 for the bundled PostgreSQL",
    )
    postgres_admin_dsn: SecretStr | None = Field(
        None,
        validate_default=True,
        validation_alias="PGVEND_POSTGRES_ADMIN_DSN",
        description="postgresql://admin:password@host:5432/postgres, of an admin with "
        "CREATEDB and CREATEROLE",
    )
    postgres_public_host: str | None = Field(
        None,
        validate_default=True,
        validation_alias="PGVEND_POSTGRES_PUBLIC_HOST",
        description="the host that tenants reach the server by",
    )
    postgres_public_port: Port | None = Field(
        None,
        validation_alias="PGVEND_POSTGRES_PUBLIC_PORT",
        description="the port, from 1 to 65535, that tenants reach the server by",
    )
    neon_project_id: neon.ProjectId = None
    neon_host: neon.Host = None
    neon_api_key: neon.ApiKey = None
    neon_branch_id: neon.BranchId = None
    neon_api_url: neon.ApiUrl = neon.OFFICIAL_API_URL
    neon_isolation: neon.Isolation = neon.NeonIsolation.ROLE
    connection_limit: int = Field(
        20,
        ge=1,
        le=10_000,
        validation_alias="PGVEND_CONNECTION_LIMIT",
        description="the number of sessions, from 1 to 10000, that one tenant may have at once",
    )
    verify_login: bool = Field(
        True, validation_alias="PGVEND_VERIFY_LOGIN", description="on or off"
    )
    default_ttl: Duration | None = Field(
        None,
        validation_alias="PGVEND_DEFAULT_TTL",
        description="a duration such as 24h, 7d or P1DT12H",
    )
    max_ttl: Duration | None = Field(
        None,
        validation_alias="PGVEND_MAX_TTL",
        description="a duration such as 24h, 7d or P1DT12H, no shorter than PGVEND_DEFAULT_TTL",
    )
    grace_period: Duration | None = Field(
        None,
        validation_alias="PGVEND_GRACE_PERIOD",
        description="a duration such as 24h, 7d or P1DT12H, for which what has expired can be "
        "restored",
    )
    sweep_interval: int = Field(
        30,
        ge=0,
        le=3600,
        validation_alias="PGVEND_SWEEP_INTERVAL",
        description="the number of seconds, up to 3600, from one sweep to the next; 0 for none",
    )
    cors_allow_origins: Origins = Field(
        (),
        validation_alias="CORS_ALLOW_ORIGINS",
        description="origins such as https://app.example, comma separated, or * alone",
    )
    log_level: LogLevel = Field(
        LogLevel.INFO,
        validation_alias="PGVEND_LOG_LEVEL",
        description=f"one of {', '.join(LogLevel)}",
    )

    @model_validator(mode="before")
    @classmethod
    def _chosen(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Neon's variables choose Neon, unless a provider is named by field or by variable."""
        has_neon = any(name.upper() in neon.VARIABLES for name in given)
        return {"provider": ProviderName.NEON} | given if has_neon else given

    # What depends on other fields is checked field by field too (`info.data` holds those before it
    # that are right): pydantic asks a validator of the whole only once every field is right.

    @field_validator("registry_url")
    @classmethod
    def _leads_to_records(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_dsn(url)
        return url

    @field_validator("secret")
    @classmethod
    def _is_shared(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("registry_url") and not secret:
            raise ValueError("missing, and replicas with one PGVEND_REGISTRY_URL need the same")
        return secret

    @field_validator("postgres_admin_dsn")
    @classmethod
    def _leads_to_a_server(cls, dsn: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("provider") is ProviderName.POSTGRES:
            if dsn is None:
                raise ValueError("missing, and PGVEND_PROVIDER is postgres")
            check_dsn(dsn)
        return dsn

    @field_validator("postgres_public_host")
    @classmethod
    def _is_known(cls, host: str | None, info: ValidationInfo) -> str | None:
        dsn = info.data.get("postgres_admin_dsn")
        uses_dsn = info.data.get("provider") is ProviderName.POSTGRES
        if uses_dsn and dsn and not (host or urlsplit(dsn.get_secret_value()).hostname):
            raise ValueError("missing, and PGVEND_POSTGRES_ADMIN_DSN names no host")
        return host

    @field_validator(*neon.CHECKS)
    @classmethod
    def _leads_to_neon(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("provider") is ProviderName.NEON:
            return neon.checked(str(info.field_name), value)
        return value

    @field_validator("max_ttl")
    @classmethod
    def _holds_the_default(
        cls, longest: timedelta | None, info: ValidationInfo
    ) -> timedelta | None:
        default = info.data.get("default_ttl")
        if default and longest and default > longest:
            raise ValueError("shorter than PGVEND_DEFAULT_TTL")
        return longest

    def admin_dsn(self) -> str:
        """For the provider `postgres`, which is not without one."""
        return needed(self.postgres_admin_dsn).get_secret_value()

    @property
    def isolation(self) -> Isolation:
        """What keeps the tenants of the provider apart."""
        is_neon = self.provider is ProviderName.NEON
        return Isolation(self.neon_isolation) if is_neon else Isolation.ROLE

    @property
    def target(self) -> Target:
        """The place that databases are made in: what another one holds is not known there."""
        name = self.provider.value
        is_neon = self.provider is ProviderName.NEON
        place = f"{name}-{self.neon_isolation}" if is_neon else name
        return Target(name=place, provider=name, isolation=self.isolation)

    @property
    def registry_file(self) -> Path | None:
        """Where the records are, unless they are on a server, or, as the provider's databases, in
        memory."""
        is_elsewhere = self.registry_url or self.provider is ProviderName.MEMORY
        return None if is_elsewhere else self.data_dir.resolve() / "registry.sqlite3"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


class ClientSettings(BaseSettings):
    """What the command line talks to."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    url: str = Field("http://127.0.0.1:8000", validation_alias="PGVEND_URL")
    key: SecretStr | None = Field(None, validation_alias="PGVEND_KEY")
