"""A project's compute: its PostgreSQL server, and changes to roles and databases."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import acquire_session, open_session
from domain.errors import ProviderBusy
from entrypoints.neon_emulator.compute import statements
from entrypoints.neon_emulator.compute.servers import Servers, get_superuser_login


@dataclass(frozen=True)
class ServerContents:
    """Roles, databases with their owners, and the number of client sessions."""

    roles: tuple[str, ...]
    databases: Mapping[str, str]
    sessions: int


class Compute:
    """A compute that can be started and stopped."""

    def __init__(self, servers: Servers, name: str) -> None:
        self.port = servers.reserve_port()
        self._servers = servers
        self._name = name
        self._lifetime = AsyncExitStack()
        self._running: PostgresProvider | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    async def start(self) -> None:
        """Start the server. Raises StartupError."""
        server = self._servers.running(self._name, self.port)
        self._running = await self._lifetime.enter_async_context(server)

    async def stop(self) -> None:
        """Stop the server and remove its data."""
        self._running = None
        await self._lifetime.aclose()
        self._servers.release_port(self.port)

    async def inspect(self) -> ServerContents:
        async with acquire_session(self._provider.pool) as session:
            (row,) = await session.fetch(statements.CONTENTS)
        return ServerContents(
            roles=tuple(row["roles"]),
            databases=dict(zip(row["databases"], row["owners"], strict=True)),
            sessions=row["sessions"],
        )

    async def create_role(self, name: str, password: str | None) -> None:
        await self._run(statements.create_role(name, password))

    async def set_password(self, name: str, password: str) -> None:
        await self._run(statements.set_password(name, password))

    async def drop_role(self, name: str) -> None:
        async with open_session(get_superuser_login(self._provider)) as session:
            databases = await session.fetch(statements.list_databases_of(name))
        for database in databases:
            statement = statements.reassign_owned(name, database["owner"])
            await self._run(statement, database=database["name"])
        await self._run(statements.drop_role(name))

    async def create_database(self, name: str, owner: str) -> None:
        await self._run(statements.create_database(name, owner))
        await self._run(statements.grant_database(name, owner), database=name)

    async def change_database(self, name: str, *, new_name: str, owner: str) -> None:
        await self._run(statements.change_owner(name, owner))
        if new_name != name:
            await self._run(statements.end_sessions_in(name))
            await self._run(statements.rename_database(name, new_name))

    async def drop_database(self, name: str) -> None:
        await self._run(statements.drop_database(name))

    async def end_sessions(self) -> None:
        await self._run(statements.END_SESSIONS)

    @property
    def _provider(self) -> PostgresProvider:
        if self._running is None:
            raise ProviderBusy("The compute is not running: start it first.")
        return self._running

    async def _run(self, statement: str, database: str = "postgres") -> None:
        login = {**get_superuser_login(self._provider), "database": database}
        async with open_session(login) as session:
            await session.execute(statement)
