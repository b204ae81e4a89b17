"""Types of settings: each parses the text of a variable, or raises ValueError."""

import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr

from domain.errors import InvalidDuration
from domain.expiry import parse_duration
from domain.postgres_url import PostgresUrl
from domain.secret_strength import MIN_LENGTH
from domain.sizes import SizeLimit, parse_size

T = TypeVar("T")

E = TypeVar("E", bound=StrEnum)

ANY_ORIGIN = "*"

NO_LIMIT = "none"

_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def _parse_duration(text: Any) -> Any:
    try:
        return parse_duration(text) if isinstance(text, str) else text
    except InvalidDuration as error:
        raise ValueError(str(error)) from None


def _parse_duration_limit(text: Any) -> Any:
    """Parse `none` as a limit of zero, which is no limit."""
    is_none = isinstance(text, str) and text.lower() == NO_LIMIT
    return timedelta(0) if is_none else _parse_duration(text)


def _parse_origins(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    texts = (origin.strip().rstrip("/").lower() for origin in text.split(","))
    origins = tuple(origin for origin in texts if origin)
    for origin in origins:
        if origin != ANY_ORIGIN and not is_origin(origin):
            raise ValueError(f"{origin!r} is not an origin")
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise ValueError(f"{ANY_ORIGIN} must be the only origin")
    return origins


def _parse_header_names(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
    return names


def _parse_secrets(text: Any) -> Any:
    """Raises ValueError; its message holds no secret."""
    if not isinstance(text, str):
        return text
    secrets = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(len(secret) < MIN_LENGTH for secret in secrets):
        raise ValueError(f"one of them has fewer than {MIN_LENGTH} characters")
    return secrets


def _to_lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _parse_size_limit(text: Any) -> Any:
    return SizeLimit(parse_size(text)) if isinstance(text, str) else text


def is_origin(text: str) -> bool:
    """Return whether the text is an origin as browsers send it: scheme, host and port alone."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0 and "@" not in text
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"}
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return is_web and has_host and is_plain and text == f"{parts.scheme}://{parts.netloc}"


def _parse_addresses(text: Any) -> Any:
    """Parse a value of PostgreSQL's `listen_addresses`. The only name is localhost: others can
    resolve to another machine later."""
    if not isinstance(text, str):
        return text
    addresses = tuple(part.strip() for part in text.split(",") if part.strip())
    for address in addresses:
        if address not in {"*", "localhost"}:
            _check_address(address)
    return addresses


def _check_address(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an address") from None


ListenAddresses = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_parse_addresses)]
Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
DurationLimit = Annotated[timedelta, BeforeValidator(_parse_duration_limit)]
Size = Annotated[SizeLimit, BeforeValidator(_parse_size_limit)]
Port = Annotated[int, Field(ge=1, le=65535)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_parse_secrets)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_parse_origins)]
HeaderNames = Annotated[tuple[str, ...], BeforeValidator(_parse_header_names)]


Choice = Annotated[E, BeforeValidator(_to_lower)]
"""One of an enumeration's values, in upper or lower case."""


def require(value: T | None) -> T:
    """Return a value that the validation of the settings guarantees. Raises ValueError for None."""
    if value is None:
        raise ValueError("a setting is missing")
    return value


def check_dsn(dsn: SecretStr) -> None:
    """Raises ValueError; its message does not hold the DSN."""
    PostgresUrl.parse(dsn.get_secret_value())
