"""`pgvend serve` over memory, with a provider in which nobody has foreseen what goes wrong."""

import sys

from dependency_injector import providers

from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.order import Order
from entrypoints.cli.app import main
from entrypoints.wiring.container import Container


class CrashingProvider(MemoryProvider):
    """Crashes with passwords at hand, as a driver does."""

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        password = order.password.reveal()
        connection = await super().rotate(order, end_sessions=end_sessions)
        return _lost(connection, password)


def _lost(connection: Connection, password: str) -> Connection:
    try:
        raise ConnectionAbortedError(f"the session of {connection.user} has gone")
    except ConnectionAbortedError as error:
        raise RuntimeError(f"nobody has foreseen this about {connection}") from error


if __name__ == "__main__":
    Container.memory.override(providers.Object(CrashingProvider()))
    sys.argv = ["pgvend", "serve"]
    main()
