"""Neon's hosts and connection URIs, and the TLS mode of pgvend's own sessions there.

Neon does not accept password verifiers, so that passwords are sent in plain text. Its URIs have
`sslmode=require`, which accepts any certificate. pgvend's sessions verify the certificate.
"""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.hosts import is_loopback
from domain.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NeonAddress:
    """Server, database and login of a connection URI. `password` is None if Neon does not store
    it."""

    host: str
    port: int
    sslmode: str
    database: str
    user: str
    password: Secret | None


def parse_address(uri: Secret) -> NeonAddress:
    """Parse a connection URI. Raises ProviderRejected, whose message does not contain the URI."""
    try:
        parts = urlsplit(uri.reveal())
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        host, port = None, 0
    if not host:
        raise ProviderRejected("Neon returned an invalid connection URI.")
    return NeonAddress(
        host=host,
        port=port,
        sslmode=parse_qs(parts.query).get("sslmode", ["require"])[0],
        database=unquote(parts.path.removeprefix("/")),
        user=unquote(parts.username or ""),
        password=Secret(unquote(parts.password)) if parts.password else None,
    )


def remove_pooler_suffix(host: str) -> str:
    """Remove the `-pooler` that Neon appends to the first label of a pooled host."""
    first, dot, rest = host.partition(".")
    return first.removesuffix("-pooler") + dot + rest


def choose_sslmode(host: str, sslmode: str) -> str:
    """Return the `sslmode` of pgvend's own sessions: `verify-full` with the authorities that the
    system trusts, except on loopback, where the emulator runs."""
    return sslmode if is_loopback(host) else "verify-full"


def require_verification(connection: Connection) -> Connection:
    """Return the connection with the `sslmode` of pgvend's own sessions; tenants get another."""
    return replace(connection, sslmode=choose_sslmode(connection.host, connection.sslmode))
