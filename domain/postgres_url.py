"""PostgreSQL connection URLs, as libpq reads them: one host or several."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from domain.secret import Secret

SCHEMES = {"postgres", "postgresql"}
DEFAULT_PORT = 5432
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_ELSEWHERE = {"service", "passfile", "hostaddr"}
"""Parameters that would lead to places which the URL does not name, or around its host's name."""

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A host name, an address, or the folder of a socket, and the port."""

    host: str
    port: int = DEFAULT_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """A server, or several that stand in for each other, and a login there.

    `addresses` is empty where the URL names no host: the server's socket on this machine.
    `parameters` are those of the query that are not about host and login.
    """

    addresses: tuple[Address, ...] = ()
    user: str | None = None
    password: Secret | None = None
    database: str | None = None
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, without any part of the URL in it."""
        try:
            parts = urlsplit(text)
        except ValueError:  # its text quotes the URL
            raise ValueError("not a PostgreSQL URL") from None
        if parts.scheme not in SCHEMES or parts.fragment:
            raise ValueError("not a PostgreSQL URL")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        login, _, hosts = parts.netloc.rpartition("@")
        user, colon, password = login.partition(":")
        secret = query.pop("password", unquote(password) if colon else None)
        return cls(
            addresses=_addresses(query.pop("host", hosts), query.pop("port", None)),
            user=query.pop("user", unquote(user)) or None,
            password=None if secret is None else Secret(secret),
            database=query.pop("dbname", unquote(parts.path.removeprefix("/"))) or None,
            parameters=MappingProxyType(_checked(query)),
        )

    @property
    def sslmode(self) -> str | None:
        """What the URL asks for: None where it leaves that to the server."""
        return self.parameters.get("sslmode")

    @property
    def target_session_attrs(self) -> str:
        return self.parameters.get("target_session_attrs", "any")


def _addresses(hosts: str, ports: str | None) -> tuple[Address, ...]:
    if not hosts:
        return ()
    return tuple(_address(each, ports) for each in hosts.split(","))


def _address(text: str, default_port: str | None) -> Address:
    matched = _HOST.fullmatch(text)
    if not matched or not matched["host"]:
        raise ValueError("not a PostgreSQL URL")
    port = int(matched["port"] or default_port or DEFAULT_PORT)
    if not 0 < port < 65536:
        raise ValueError("not a PostgreSQL URL")
    return Address(unquote(matched["host"].strip("[]")), port)


def _checked(parameters: Mapping[str, str]) -> Mapping[str, str]:
    if foreign := sorted(_ELSEWHERE & set(parameters)):
        raise ValueError(f"the parameter {foreign[0]} is not supported: name host and login")
    if parameters.get("sslmode", "disable") not in SSL_MODES:
        raise ValueError(f"sslmode is not one of {', '.join(SSL_MODES)}")
    return dict(parameters)
