"""What the operator sets: environment and `.env`; every mistake is told at once, with its mend."""

import ipaddress
import os
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import InvalidDuration, StartupError
from domain.expiry import parse_duration

ENV_FILE = ".env"
ANY_ORIGIN = "*"


class ProviderName(StrEnum):
    EMBEDDED = "embedded"
    POSTGRES = "postgres"
    MEMORY = "memory"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _duration(text: Any) -> Any:
    try:
        return parse_duration(text) if isinstance(text, str) else text
    except InvalidDuration as error:
        raise ValueError(str(error)) from None


def _origins(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    origins = tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if origin != ANY_ORIGIN and (parts.scheme not in {"http", "https"} or parts.path):
            raise ValueError(f"{origin!r} is not an origin")
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise ValueError(f"{ANY_ORIGIN} stands alone")
    return origins


Duration = Annotated[timedelta, NoDecode, BeforeValidator(_duration)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """The service's settings; a field's description is the mend that a mistake is told with."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    host: str = Field("127.0.0.1", validation_alias="HOST", description="the address to listen on")
    port: int = Field(
        8000, ge=0, le=65535, validation_alias="PORT", description="a port from 1 to 65535"
    )
    provider: ProviderName = Field(
        ProviderName.EMBEDDED,
        validation_alias="PGVEND_PROVIDER",
        description="one of embedded, postgres, memory",
    )
    data_dir: Path = Field(
        Path(".pgvend"),
        validation_alias="PGVEND_DATA_DIR",
        description="a folder of pgvend's own",
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
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
        validation_alias="PGVEND_POSTGRES_ADMIN_DSN",
        description="postgresql://admin:password@host:5432/postgres, of an admin with "
        "CREATEDB and CREATEROLE",
    )
    postgres_public_host: str | None = Field(
        None,
        validation_alias="PGVEND_POSTGRES_PUBLIC_HOST",
        description="the host that tenants reach the server by",
    )
    postgres_public_port: Port | None = Field(
        None,
        validation_alias="PGVEND_POSTGRES_PUBLIC_PORT",
        description="the port, from 1 to 65535, that tenants reach the server by",
    )
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
    cors_allow_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        (),
        validation_alias="CORS_ALLOW_ORIGINS",
        description="origins such as https://app.example, comma separated, or * alone",
    )
    log_level: LogLevel = Field(
        LogLevel.INFO,
        validation_alias="PGVEND_LOG_LEVEL",
        description="one of debug, info, warning, error",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.provider is ProviderName.POSTGRES:
            _check_dsn(self.postgres_admin_dsn, self.postgres_public_host)
        if self.default_ttl and self.max_ttl and self.default_ttl > self.max_ttl:
            raise ValueError("PGVEND_DEFAULT_TTL: longer than PGVEND_MAX_TTL. Make it shorter.")
        return self

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class ClientSettings(BaseSettings):
    """What the command line talks to."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", hide_input_in_errors=True)

    url: str = Field("http://127.0.0.1:8000", validation_alias="PGVEND_URL")
    key: SecretStr | None = Field(None, validation_alias="PGVEND_KEY")


def load_settings() -> Settings:
    """The settings. Raises StartupError with a line for every mistake."""
    mistakes = _unknown_names()
    try:
        settings = Settings()
    except ValidationError as error:
        mistakes += [_told(mistake) for mistake in error.errors(include_input=False)]
    if mistakes:
        raise StartupError(
            "The settings are wrong:\n" + "\n".join(f"  {line}" for line in mistakes)
        )
    return settings


def _check_dsn(dsn: SecretStr | None, public_host: str | None) -> None:
    name = "PGVEND_POSTGRES_ADMIN_DSN"
    mend = f"Set it to {Settings.model_fields['postgres_admin_dsn'].description}."
    if dsn is None:
        raise ValueError(f"{name}: missing, and PGVEND_PROVIDER is postgres. {mend}")
    try:
        parts = urlsplit(dsn.get_secret_value())
        bad = parts.scheme not in {"postgres", "postgresql"} or parts.port == 0
    except ValueError:  # its text would quote the DSN
        bad = True
    if bad:
        raise ValueError(f"{name}: not a PostgreSQL URL. {mend}")
    if not (parts.hostname or public_host):
        raise ValueError(
            "PGVEND_POSTGRES_PUBLIC_HOST: missing, and PGVEND_POSTGRES_ADMIN_DSN names no host. "
            "Set it to the host that tenants reach the server by."
        )


def _known_names() -> set[str]:
    fields = (*Settings.model_fields.values(), *ClientSettings.model_fields.values())
    return {str(field.validation_alias) for field in fields}


def _unknown_names() -> list[str]:
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE))}
    unknown = {name for name in given if name.startswith("PGVEND_")} - _known_names()
    return [
        f"{name}: no setting of that name. Remove it, or correct it." for name in sorted(unknown)
    ]


def _told(mistake: Any) -> str:
    if not mistake["loc"]:  # of `_fits_together`, which names the variable and the mend itself
        return str(mistake["ctx"]["error"])
    name = str(mistake["loc"][0])
    mends = {
        str(field.validation_alias): field.description for field in Settings.model_fields.values()
    }
    return f"{name}: {mistake['msg']}. Set it to {mends[name]}."
