"""Open sessions with every argument explicit, so that asyncpg reads no variable and no file."""

import asyncio
import os
import pwd
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched

from adapters.driver.tls import Tls, tls_from_parameters
from domain.errors import StartupError
from domain.postgres_url import PostgresUrl

Login = Mapping[str, Any]
"""The arguments of a login: asyncpg's `host`, `port` (both may be lists), `user`, `password`,
`database` and `target_session_attrs`; `tls`, a Tls, or None to use TLS if the server offers it;
`settings`, server settings from the login's URL, which the caller's settings override;
`server_user`, the user id that the server has to run under (Unix sockets only)."""

EXPLICIT_DEFAULTS: Login = {
    "password": "",
    "target_session_attrs": "any",
    "direct_tls": False,
    "krbsrvname": "postgres",
    "gsslib": "gssapi",
}
"""Arguments that asyncpg would otherwise take from libpq's variables and files."""

SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - PostgreSQL's own places
"""Folders in which servers on this machine create their sockets."""

_NEXT_HOST_ERRORS = (OSError, asyncpg.CannotConnectNowError, TargetServerAttributeNotMatched)
"""Errors after which the next host is tried: this one cannot be reached, is starting or stopping,
or has another role. Like libpq, do not try the next host after a refused login."""

_CLIENT_PARAMETERS = {
    "channel_binding",
    "connect_timeout",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "require_auth",
    "target_session_attrs",
    "tcp_user_timeout",
}
"""URL parameters that libpq handles itself, besides those that begin with `ssl` (PostgreSQL's
documentation, "Parameter Key Words"). The others go to the server."""

_UCRED = struct.Struct("3i")
"""Linux's `struct ucred`: process, user and group."""

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's documentation, "Message Formats", SSLRequest."""


async def connect(
    dsn: None = None,
    /,
    *,
    tls: Tls | None = None,
    settings: Mapping[str, str] | None = None,
    server_user: int | None = None,
    **arguments: Any,
) -> asyncpg.Connection:
    """Open a session as asyncpg does, without reading the environment. asyncpg's pool passes `dsn`
    as None.

    Without `tls`, encrypt the session if the server offers TLS. As in libpq, each of several hosts
    gets the whole `timeout`, so a silent host does not prevent a login to the next one.
    """
    server_settings = _merge_settings(settings or {}, arguments.get("server_settings") or {})
    login = {**EXPLICIT_DEFAULTS, **arguments, "server_settings": server_settings}
    if isinstance(login["host"], str) or login["target_session_attrs"] == "prefer-standby":
        return _check_server_user(server_user, await _open_session(login, tls))
    failure: Exception = ValueError("no host")
    for host, port in addresses_from_login(login):
        try:
            return await _open_session({**login, "host": host, "port": port}, tls)
        except _NEXT_HOST_ERRORS as error:
            failure = error
    raise failure


async def _open_session(login: Login, tls: Tls | None) -> asyncpg.Connection:
    if tls is not None:
        return await asyncpg.connect(**login, ssl=await asyncio.to_thread(tls.load))
    try:
        return await asyncpg.connect(**login, ssl=Tls(mode="require").argument)
    except ConnectionError as error:
        if type(error) is not ConnectionError:  # "PostgreSQL server at ... rejected SSL upgrade" is
            raise
        return await asyncpg.connect(**login, ssl=False)


def _check_server_user(user: int | None, session: asyncpg.Connection) -> asyncpg.Connection:
    """Return the session if the server behind its Unix socket runs under that user id. Raises
    InvalidAuthorizationSpecificationError if it runs under another one."""
    if user is not None and sys.platform == "linux":
        transport = session._transport  # type: ignore[attr-defined] # no public attribute
        peer = transport.get_extra_info("socket")
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        if _UCRED.unpack(credentials)[1] != user:
            session.terminate()
            raise asyncpg.InvalidAuthorizationSpecificationError(
                "The server behind the socket runs under another system user."
            )
    return session


def _merge_settings(settings: Mapping[str, str], overrides: Mapping[str, str]) -> Mapping[str, str]:
    """Merge both; `overrides` take precedence. In `options`, the server uses the last value of a
    setting."""
    both = (settings.get("options", ""), overrides.get("options", ""))
    options = " ".join(text for text in both if text)
    return {**settings, **overrides, **({"options": options} if options else {})}


def addresses_from_login(login: Login) -> list[tuple[str, int]]:
    """Return every host of a login with its port."""
    hosts, ports = login["host"], login["port"]
    hosts = [hosts] if isinstance(hosts, str) else hosts
    ports = [ports] * len(hosts) if isinstance(ports, int) else ports
    return list(zip(hosts, ports, strict=True))


def create_pool(login: Login, **options: Any) -> asyncpg.Pool:
    """Create an asyncpg pool whose sessions are opened by `connect`."""
    pool: asyncpg.Pool = asyncpg.create_pool(
        **login,
        **options,
        connect=connect,  # type: ignore[call-overload]  # the stubs do not know `tls`
    )
    return pool


def login_from_url(url: PostgresUrl, setting: str) -> Login:
    """Return the login that a URL describes. Read the files that it names. Raises StartupError,
    which names the `setting`."""
    user = url.user or _system_user_name(setting)
    return {
        "host": [address.host for address in url.addresses] or list(SOCKET_FOLDERS),
        "port": [address.port for address in url.addresses] or 5432,
        "user": user,
        "password": url.password.reveal() if url.password else "",
        "database": url.database or user,
        "target_session_attrs": url.target_session_attrs,
        "tls": tls_from_parameters(url.parameters, setting),
        "settings": {
            name: value
            for name, value in url.parameters.items()
            if name not in _CLIENT_PARAMETERS and not name.startswith("ssl")
        },
    }


async def has_tls(host: str, port: int) -> bool:
    """Ask the server whether it offers TLS. Raises OSError if the server cannot be reached."""
    if host.startswith("/"):
        return False
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_SSL_REQUEST)
        return await reader.readexactly(1) == b"S"
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("The server closed the connection.") from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _system_user_name(setting: str) -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StartupError(
            f"{setting} names no user, and this process's user id has no name: add a user to the "
            "URL."
        ) from None
