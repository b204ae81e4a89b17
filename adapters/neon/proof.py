"""TLS of our own sessions on Neon.

Neon takes no verifiers, so that passwords go there in plain text, while its URIs ask for
`sslmode=require`, which takes any certificate. Our sessions have the server prove itself.
"""

from dataclasses import replace

from domain.connection import Connection
from domain.hosts import is_loopback


def proven_mode(host: str, sslmode: str) -> str:
    """Return the `sslmode` of a session of ours: it verifies the host by the authorities that the
    system trusts, but for this machine, where the emulator is."""
    return sslmode if is_loopback(host) else "verify-full"


def proven(connection: Connection) -> Connection:
    """Return the connection as a session of ours makes it, which is not as it is handed out."""
    return replace(connection, sslmode=proven_mode(connection.host, connection.sslmode))
