"""`pgvend serve` with the provider `memory`, which raises an unexpected error."""

import sys

from dependency_injector import providers

from adapters.memory.provider import MemoryProvider
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from entrypoints.cli.app import main
from entrypoints.wiring.container import Container


class CrashingProvider(MemoryProvider):
    """A provider that crashes with passwords in its variables, as a driver may."""

    async def rotate(
        self, provision_request: ProvisionRequest, *, end_sessions: bool = False
    ) -> Connection:
        password = provision_request.password.reveal()
        connection = await super().rotate(provision_request, end_sessions=end_sessions)
        return _raise_error(connection, password)


def _raise_error(connection: Connection, password: str) -> Connection:
    try:
        raise ConnectionAbortedError(f"the session of {connection.user} has gone")
    except ConnectionAbortedError as error:
        raise RuntimeError(f"an unforeseen error about {connection}") from error


if __name__ == "__main__":
    Container.memory.override(providers.Object(CrashingProvider()))
    sys.argv = ["pgvend", "serve"]
    main()
