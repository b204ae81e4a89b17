"""PostgreSQL connection URLs, as libpq parses them: with one host or several."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from domain.secrets import Secret

SCHEMES = {"postgres", "postgresql"}
DEFAULT_PORT = 5432
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_FORBIDDEN_PARAMETERS = {"service", "passfile", "hostaddr"}
"""Parameters that would connect to a host that the URL does not name, or read other files."""

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A port, and a host name, an IP address or the folder of a socket."""

    host: str
    port: int = DEFAULT_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """A server, or several servers of a cluster, and a login.

    `addresses` is empty if the URL names no host: then it means the server's socket on this
    machine. `parameters` are the query's parameters except host and login.
    """

    addresses: tuple[Address, ...] = ()
    user: str | None = None
    password: Secret | None = None
    database: str | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URL. Raises ValueError, whose message contains no part of the URL."""
        try:
            parts = urlsplit(text)
        except ValueError:  # its message quotes the URL
            raise ValueError("not a PostgreSQL URL") from None
        if parts.scheme not in SCHEMES or parts.fragment:
            raise ValueError("not a PostgreSQL URL")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        login, _, hosts = parts.netloc.rpartition("@")
        user, colon, password = login.partition(":")
        secret = query.pop("password", unquote(password) if colon else None)
        return cls(
            addresses=_parse_addresses(query.pop("host", hosts), query.pop("port", None)),
            user=query.pop("user", unquote(user)) or None,
            password=None if secret is None else Secret(secret),
            database=query.pop("dbname", unquote(parts.path.removeprefix("/"))) or None,
            parameters=MappingProxyType(_validate_parameters(query)),
        )

    @property
    def sslmode(self) -> str | None:
        """The URL's sslmode, or None."""
        return self.parameters.get("sslmode")

    @property
    def target_session_attrs(self) -> str:
        return self.parameters.get("target_session_attrs", "any")


def _parse_addresses(hosts: str, ports: str | None) -> tuple[Address, ...]:
    if not hosts:
        return ()
    return tuple(_parse_address(each, ports) for each in hosts.split(","))


def _parse_address(text: str, default_port: str | None) -> Address:
    matched = _HOST.fullmatch(text)
    if not matched or not matched["host"]:
        raise ValueError("not a PostgreSQL URL")
    port = int(matched["port"] or default_port or DEFAULT_PORT)
    if not 0 < port < 65536:
        raise ValueError("not a PostgreSQL URL")
    return Address(unquote(matched["host"].strip("[]")), port)


def _validate_parameters(parameters: Mapping[str, str]) -> Mapping[str, str]:
    if foreign := sorted(_FORBIDDEN_PARAMETERS & set(parameters)):
        raise ValueError(f"{foreign[0]} is not supported: put host and login into the URL")
    if parameters.get("sslmode", "disable") not in SSL_MODES:
        raise ValueError(f"sslmode is not one of {', '.join(SSL_MODES)}")
    return dict(parameters)
