"""PgBouncer in front of tenants, as `deploy/pgbouncer` configures it."""

import shutil
from collections.abc import AsyncIterator, Mapping
from configparser import ConfigParser
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from domain.connection import Connection
from tests.support.pgbouncer import Command, running_pgbouncer
from tests.support.postgres_under_test import CONNECTION_LIMIT, session, tenant_session
from tests.support.servers import OperatorsServer, find_free_port, ram_folder
from tests.support.service import REPOSITORY

FILES = REPOSITORY / "deploy/pgbouncer"

OPERATOR = "operator"
"""The user of the admin console, whom PgBouncer alone knows."""

PASSWORD = "the-poolers-own"
"""Of the operator, and of the role by which PgBouncer looks up logins."""

FEW_SESSIONS = {
    "client_tls_sslmode": "disable",
    "server_tls_sslmode": "disable",
    "default_pool_size": str(CONNECTION_LIMIT - 1),
}
"""For a server without TLS, whose tenants can have few sessions."""

_REMOVE = """
DROP SCHEMA pgvend_pooler CASCADE;
DROP OWNED BY pgvend_pooler, pgvend_pooler_reader;
DROP ROLE pgvend_pooler, pgvend_pooler_reader
"""


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer in front of a server."""

    server: OperatorsServer
    port: int

    @asynccontextmanager
    async def session(self, connection: Connection) -> AsyncIterator[asyncpg.Connection]:
        """Open a tenant's session through the pooler."""
        pooled = replace(connection, host="127.0.0.1", port=self.port)
        async with tenant_session(pooled) as client:
            yield client

    async def log_in(self, user: str, password: str, database: str = "postgres") -> None:
        """Log in as any role and run a query."""
        dsn = f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"
        async with session({"dsn": dsn}) as client:
            await client.execute("SELECT 1")

    async def disconnect_clients(self, database: str) -> None:
        """End all clients of the database by the commands that the documentation names."""
        dsn = f"postgresql://{OPERATOR}:{PASSWORD}@127.0.0.1:{self.port}/pgbouncer"
        async with session({"dsn": dsn}) as console:
            await console.execute(f'KILL "{database}"')
            await console.execute(f'RESUME "{database}"')


@asynccontextmanager
async def running_pooler(
    server: OperatorsServer, command: Command, changes: Mapping[str, str | Path]
) -> AsyncIterator[Pooler]:
    """Run the pooler in front of the server, with the settings of `deploy/` except for
    addresses, files, and these changes. A file is copied to where the pooler can read it."""
    async with prepared_server(server):
        with ram_folder() as folder:
            folder.chmod(0o711)
            port = find_free_port()
            file = _configure(folder, server, port, changes)
            async with running_pgbouncer(command, file):
                yield Pooler(server, port)


@asynccontextmanager
async def prepared_server(server: OperatorsServer) -> AsyncIterator[None]:
    """Run `pooler.sql`, and remove at the end what it created."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute((FILES / "pooler.sql").read_text())
        await superuser.execute(f"ALTER ROLE pgvend_pooler PASSWORD '{PASSWORD}'")
        try:
            yield
        finally:
            await superuser.execute(_REMOVE)


def _configure(
    folder: Path, server: OperatorsServer, listen: int, changes: Mapping[str, str | Path]
) -> Path:
    settings = ConfigParser(interpolation=None, delimiters="=")
    settings.read(FILES / "pgbouncer.ini")
    for name, place in settings["databases"].items():
        moved = place.replace("db.example", "127.0.0.1").replace("5432", str(server.port))
        settings["databases"][name] = moved
    users = folder / "userlist.txt"
    users.write_text("".join(f'"{user}" "{PASSWORD}"\n' for user in ("pgvend_pooler", OPERATOR)))
    own = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(listen),
        "unix_socket_dir": "",
        "auth_file": str(users),
        "admin_users": OPERATOR,
    }
    settings["pgbouncer"].update({**own, **{k: _place(v, folder) for k, v in changes.items()}})
    with (folder / "pgbouncer.ini").open("w") as file:
        settings.write(file)
    return folder / "pgbouncer.ini"


def _place(value: str | Path, folder: Path) -> str:
    return str(shutil.copy(value, folder)) if isinstance(value, Path) else value
