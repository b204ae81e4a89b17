"""Settings of the provider Neon, and their validation."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from domain.hosts import is_loopback
from entrypoints.config.field_types import Choice

VARIABLES = frozenset({"NEON_PROJECT_ID", "NEON_HOST", "NEON_API_KEY", "NEON_BRANCH_ID"})
"""Variables of the original service. If one of them is set and PGVEND_PROVIDER is not, the provider
is Neon, and all of them are required."""

OFFICIAL_API_URL = "https://console.neon.tech/api/v2"

_ID = re.compile(r"[a-z0-9-]{1,60}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII | re.IGNORECASE)
_VISIBLE = re.compile(r"[!-~]+")


class NeonIsolation(StrEnum):
    """The ways to provision databases, which decide how tenants are isolated."""

    NONE = "none"  # by the API, as in the original service; tenants are not isolated
    ROLE = "role"  # role and database by SQL, with least privilege
    PROJECT = "project"  # a project for each database


ProjectIdField = Annotated[
    str | None,
    Field(
        validate_default=True,
        validation_alias="NEON_PROJECT_ID",
        description="the project's id, such as shiny-wind-12345678",
    ),
]
HostField = Annotated[
    str | None,
    Field(
        validate_default=True,
        validation_alias="NEON_HOST",
        description="the host name of the branch's compute alone, such as "
        "ep-cool-sun-12345678.eu-central-1.aws.neon.tech",
    ),
]
ApiKeyField = Annotated[
    SecretStr | None,
    Field(
        validate_default=True,
        validation_alias="NEON_API_KEY",
        description="an API key from Neon's console, which begins with napi_",
    ),
]
BranchIdField = Annotated[
    str | None,
    Field(
        validate_default=True,
        validation_alias="NEON_BRANCH_ID",
        description="the branch's id, such as br-quiet-sea-12345678",
    ),
]
ApiUrlField = Annotated[
    str,
    Field(
        validation_alias="NEON_API_URL",
        description=f"{OFFICIAL_API_URL}, or an emulator's address",
    ),
]
IsolationField = Annotated[
    Choice[NeonIsolation],
    Field(
        validation_alias="PGVEND_NEON_ISOLATION", description=f"one of {', '.join(NeonIsolation)}"
    ),
]


def _validate_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("not an id of lower-case letters, digits and hyphens")
    return text


def _validate_host(text: str) -> str:
    if not (_HOST.fullmatch(text) or _is_address(text)):
        raise ValueError("not a bare host name or address, without scheme, port and path")
    return text.lower()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _validate_key(key: SecretStr) -> SecretStr:
    if not _VISIBLE.fullmatch(key.get_secret_value()):
        raise ValueError("not a key: it holds white space or characters that are not visible ASCII")
    return key


def _validate_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_url = False
    if not (is_url and _VISIBLE.fullmatch(text)) or set(text) & set("?#@\\"):
        raise ValueError("not the URL of an API")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("the key would be sent unencrypted: http is for loopback only")
    return text.rstrip("/")


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "neon_project_id": _validate_id,
    "neon_host": _validate_host,
    "neon_api_key": _validate_key,
    "neon_branch_id": _validate_id,
    "neon_api_url": _validate_url,
}


def validate_setting(field: str, value: Any) -> Any:
    """Return the value of a field as the provider uses it. Raises ValueError, without the value."""
    if value is None:
        raise ValueError(
            "missing, and the provider is neon; PGVEND_PROVIDER=embedded needs no NEON_* settings"
        )
    return CHECKS[field](value)
