"""Extensions in a database whose compute may learn of it a moment late."""

from collections.abc import Sequence

from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.extensions import install
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.server import Server
from domain.connection import Connection
from ports.driven.clock import Clock


async def install_late(
    extensions: Sequence[str], connection: Connection, clock: Clock, server: Server | None = None
) -> None:
    """Once the tenant's login works. Raises ExtensionUnavailable."""
    if extensions:
        await NeonLoginCheck(PostgresLoginCheck(), clock).verify(connection)
        await install(extensions, connection, server)
