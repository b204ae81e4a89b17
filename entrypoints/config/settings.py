"""Settings from the environment or `.env`."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from domain.expiry import ExpiryPolicy
from domain.secret_strength import MIN_LENGTH, find_weakness
from domain.secrets import Secret
from entrypoints.config.access import AccessSettings
from entrypoints.config.exports import ExportSettings
from entrypoints.config.field_types import (
    Choice,
    Duration,
    Secrets,
    check_dsn,
)
from entrypoints.config.local_key import DATA_DIR, DEFAULT_DATA_DIR
from entrypoints.config.monitoring import MonitoringSettings
from entrypoints.config.network import NetworkSettings
from entrypoints.config.provider import ProviderName
from entrypoints.config.spares import SpareSettings
from entrypoints.config.webhooks import WebhookSettings


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(
    AccessSettings,
    NetworkSettings,
    SpareSettings,
    ExportSettings,
    WebhookSettings,
    MonitoringSettings,
):
    """The service's settings. An error about a field ends with its description, as the fix."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, populate_by_name=True)

    data_dir: Path = Field(
        Path(DEFAULT_DATA_DIR),
        validation_alias=DATA_DIR,
        description="a folder for pgvend alone",
    )
    registry_url: SecretStr | None = Field(
        None,
        validation_alias="PGVEND_REGISTRY_URL",
        description="postgresql://user:password@host:5432/database, for replicas that share their "
        "records; without it, the records are in the data folder",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=MIN_LENGTH,
        validate_default=True,
        validation_alias="PGVEND_SECRET",
        description="32 or more random characters, such as `openssl rand -hex 32` prints",
    )
    secret_previous: Secrets = Field(
        (),
        validation_alias="PGVEND_SECRET_PREVIOUS",
        description="the previous secrets, newest first, comma separated, each of 32 or more "
        "characters",
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
        description="a duration such as 24h, 7d or P1DT12H, in which an expired database can be "
        "restored",
    )
    reconcile_interval: int = Field(
        30,
        ge=0,
        le=3600,
        validation_alias="PGVEND_RECONCILE_INTERVAL",
        description="the number of seconds, up to 3600, between reconciliations; 0 for none",
    )
    log_level: Choice[LogLevel] = Field(
        LogLevel.INFO,
        validation_alias="PGVEND_LOG_LEVEL",
        description=f"one of {', '.join(LogLevel)}",
    )

    # Fields that depend on others have validators of their own (`info.data` holds the valid fields
    # before them): pydantic runs a validator of the model only if every field is valid.

    @field_validator("registry_url")
    @classmethod
    def _check_registry_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_dsn(url)
        return url

    @field_validator("secret")
    @classmethod
    def _require_shared_secret(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if info.data.get("registry_url") and not secret:
            raise ValueError("missing, and replicas with one PGVEND_REGISTRY_URL need the same one")
        return secret

    @field_validator("max_ttl")
    @classmethod
    def _check_max_ttl(cls, max_ttl: timedelta | None, info: ValidationInfo) -> timedelta | None:
        default = info.data.get("default_ttl")
        if default and max_ttl and default > max_ttl:
            raise ValueError("shorter than PGVEND_DEFAULT_TTL")
        return max_ttl

    @property
    def expiry_policy(self) -> ExpiryPolicy:
        return ExpiryPolicy(default=self.default_ttl, max_ttl=self.max_ttl)

    @property
    def grace(self) -> timedelta:
        """The time from the expiry of a database until it is deleted."""
        return self.grace_period or timedelta(0)

    @property
    def previous_secrets(self) -> tuple[Secret, ...]:
        """Previous secrets, from which passwords of some databases can still come, newest first."""
        return tuple(Secret(secret.get_secret_value()) for secret in self.secret_previous)

    def oldest_secret(self, current: Secret) -> Secret:
        """Return the oldest secret, which names the installation; it can be the current one."""
        return (current, *self.previous_secrets)[-1]

    def find_weakness(self, secret: Secret) -> str | None:
        """Return why the service's secret can be guessed; None if it cannot, or if the provider
        is `memory`, whose passwords open nothing."""
        return None if self.provider is ProviderName.MEMORY else find_weakness(secret)

    @property
    def registry_file(self) -> Path | None:
        """The file of the records; None if they are on a server or, as those of `memory`, in
        memory."""
        is_elsewhere = self.registry_url or self.provider is ProviderName.MEMORY
        return None if is_elsewhere else self.data_dir.resolve() / "registry.sqlite3"
