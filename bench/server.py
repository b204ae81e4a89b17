"""The bundled PostgreSQL for several services and methods, and tenants by bare SQL on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlencode

import asyncpg
import structlog

from adapters.driver.connector import create_pool
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.scram import create_scram_verifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import POOL_SIZE
from adapters.system.clock import SystemClock
from bench.turns import Undo
from domain.secrets import Secret

OPEN_DATABASE = (
    "REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {name} TO {name};"
    "ALTER DATABASE {name} ALLOW_CONNECTIONS true;"
    "REVOKE {name} FROM CURRENT_USER"
)


@dataclass(frozen=True)
class SharedServer:
    """A running server, pgvend's provider on it, and the admin's sessions for bare SQL."""

    provider: PostgresProvider
    pool: asyncpg.Pool

    @property
    def server(self) -> Server:
        return self.provider.server

    def settings(self) -> dict[str, str]:
        """Return the settings of a service on this server."""
        admin = self.server.admin
        query = {"host": admin["host"], "port": admin["port"], "sslmode": self.server.sslmode}
        dsn = f"postgresql://{admin['user']}@/{admin['database']}?{urlencode(query)}"
        return {
            "PGVEND_PROVIDER": "postgres",
            "PGVEND_POSTGRES_ADMIN_DSN": dsn,
            "PGVEND_PUBLIC_HOST": self.server.public_host,
            "PGVEND_PUBLIC_PORT": str(self.server.public_port),
        }

    async def execute(self, *texts: str) -> None:
        """Run the texts in one session, each in a round trip."""
        async with self.pool.acquire() as admin:
            for text in texts:
                await admin.execute(text)

    async def create_tenant(self) -> Undo:
        """Create a tenant that can log in, by the fewest statements, as written without pgvend."""
        name, password = f"bench_{token_hex(8)}", token_hex(12)
        await self.execute(*await create_statements(name, password))
        await self._log_in(name, password)
        return partial(self.drop_tenant, name)

    async def create_user_database(self, name: str) -> str:
        """Create a database with an owner of the same name, and return its URL."""
        password = token_hex(12)
        await self.execute(*await create_statements(name, password))
        host, port = self.server.public_host, self.server.public_port
        return f"postgresql://{name}:{password}@{host}:{port}/{name}?sslmode=disable"

    async def _log_in(self, name: str, password: str) -> None:
        tenant = await asyncpg.connect(
            host=self.server.public_host,
            port=self.server.public_port,
            user=name,
            password=password,
            database=name,
            ssl=False,
        )
        await tenant.execute("SELECT 1")
        await tenant.close()

    async def drop_tenant(self, name: str) -> None:
        await self.execute(
            f"GRANT {name} TO CURRENT_USER",
            f"DROP DATABASE {name} WITH (FORCE)",
            f"DROP ROLE {name}",
        )


async def create_statements(name: str, password: str) -> list[str]:
    verifier = await create_scram_verifier(Secret(password))
    return [
        f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 20 PASSWORD '{verifier}';"
        f"GRANT {name} TO CURRENT_USER",
        f"CREATE DATABASE {name} OWNER {name} "
        "TEMPLATE template0 STRATEGY FILE_COPY ALLOW_CONNECTIONS false",
        OPEN_DATABASE.format(name=name),
    ]


@asynccontextmanager
async def open_server(folder: Path) -> AsyncIterator[SharedServer]:
    """Run the bundled server with its data in the folder."""
    options = EmbeddedOptions(folder=folder / "embedded")
    bundle = open_embedded_provider(options, "bench", SystemClock(), structlog.get_logger())
    async with (
        bundle as provider,
        create_pool(provider.server.admin, min_size=0, max_size=POOL_SIZE) as pool,
    ):
        yield SharedServer(provider, pool)
