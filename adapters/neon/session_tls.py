"""TLS mode of pgvend's own sessions on Neon.

Neon does not accept password verifiers, so that passwords are sent in plain text. Its URIs have
`sslmode=require`, which accepts any certificate. pgvend's sessions verify the certificate.
"""

from dataclasses import replace

from domain.connection import Connection
from domain.hosts import is_loopback


def choose_sslmode(host: str, sslmode: str) -> str:
    """Return the `sslmode` of pgvend's own sessions: `verify-full` with the authorities that the
    system trusts, except on loopback, where the emulator runs."""
    return sslmode if is_loopback(host) else "verify-full"


def require_verification(connection: Connection) -> Connection:
    """Return the connection with the `sslmode` of pgvend's own sessions; tenants get another."""
    return replace(connection, sslmode=choose_sslmode(connection.host, connection.sslmode))
