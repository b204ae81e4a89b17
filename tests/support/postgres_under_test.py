"""PostgreSQL servers with a provider, and with a superuser for the checks of a test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adapters.driver.connector import Login, connect, create_pool
from adapters.driver.tls import Tls
from adapters.postgres.claim import prepare_session
from adapters.postgres.factory import open_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_from_dsn
from adapters.postgres.sessions import (
    SESSION_SETTINGS,
    build_startup_parameters,
    login_from_connection,
)
from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import OperatorsServer

CONNECTION_LIMIT = 3


@dataclass(frozen=True)
class PostgresUnderTest:
    """A server with its provider."""

    provider: PostgresProvider
    superuser: Login = field(repr=False)
    log: Path

    @property
    def admin(self) -> str:
        """The role that creates databases."""
        login = self.provider.server.admin
        return str(login.get("user", "admin"))

    async def sql(self, query: str, *values: object, database: str = "postgres") -> list[Any]:
        """Run a query as a superuser. Rows with one column are returned as values."""
        async with session(self.superuser, database=database) as superuser:
            if not values and not query.lstrip().upper().startswith("SELECT"):
                await superuser.execute(query)
                return []
            rows = await superuser.fetch(query, *values)
            return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    async def list_names(self) -> tuple[set[str], set[str]]:
        """Return the names of all roles and all databases."""
        return (
            set(await self.sql("SELECT rolname FROM pg_roles")),
            set(await self.sql("SELECT datname FROM pg_database")),
        )

    async def has(self, provision_request: ProvisionRequest) -> tuple[bool, bool]:
        """Return whether a role, and a database, with the request's names exist."""
        roles, databases = await self.list_names()
        return (
            provision_request.tenant.names.owner in roles,
            provision_request.tenant.names.database in databases,
        )


@asynccontextmanager
async def session(login: Login, **changes: object) -> AsyncIterator[asyncpg.Connection]:
    """Open a session, and close it at the end unless it has ended."""
    open_session = asyncpg.connect if "dsn" in login else connect
    client_session = await open_session(**{**login, "timeout": 10, **changes})
    try:
        yield client_session
    finally:
        if not client_session.is_closed():
            await client_session.close()


@asynccontextmanager
async def without_rights(server: OperatorsServer, rights: str) -> AsyncIterator[None]:
    """Revoke the rights, such as `pg_signal_backend`, from the admin until the context exits."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(f"REVOKE {rights} FROM admin")
        try:
            yield
        finally:
            await superuser.execute(f"GRANT {rights} TO admin")


@asynccontextmanager
async def tenant_session(
    connection: Connection, **changes: object
) -> AsyncIterator[asyncpg.Connection]:
    """Open a session with a tenant's connection."""
    async with session(
        {**login_from_connection(connection), "tls": Tls(mode="disable")}, **changes
    ) as client_session:
        yield client_session


@contextmanager
def expect_refusal(*errors: type[Exception]) -> Iterator[None]:
    """Expect that the server refuses: for a missing privilege unless other errors are given."""
    with pytest.raises(errors or (asyncpg.InsufficientPrivilegeError,)):
        yield


@asynccontextmanager
async def operators_under_test(server: OperatorsServer) -> AsyncIterator[PostgresUnderTest]:
    """Open a provider over an operator's server."""
    description = server_from_dsn(
        server.dsn(), public_host=None, public_port=None, connection_limit=CONNECTION_LIMIT
    )
    async with open_provider(description, INSTALLATION) as provider:
        yield PostgresUnderTest(
            provider=provider,
            superuser={"dsn": server.superuser_dsn},
            log=server.data.parent / "log",
        )


def bundled_under_test(provider: PostgresProvider) -> PostgresUnderTest:
    """Return the bundled server of this provider."""
    superuser = provider.server.superuser
    assert superuser is not None
    socket_folder = Path(provider.server.admin["host"])  # the data folder, or a link to it
    data = socket_folder.resolve()
    return PostgresUnderTest(
        provider=provider, superuser=superuser, log=data.parent / "postgres.log"
    )


@asynccontextmanager
async def with_short_timeouts(postgres: PostgresUnderTest) -> AsyncIterator[PostgresUnderTest]:
    """Yield the same provider with a short lock timeout."""
    pool = create_pool(
        postgres.provider.server.admin,
        min_size=0,
        max_size=2,
        server_settings=build_startup_parameters({**SESSION_SETTINGS, "lock_timeout": "300ms"}),
        init=prepare_session,
    )
    async with pool:
        yield replace(postgres, provider=replace(postgres.provider, pool=pool))
