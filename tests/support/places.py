"""Real servers as an SQL provider's tests see them: the provider, and a superuser who looks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adapters.driver.connecting import Login, connect
from adapters.driver.tls import Tls
from adapters.postgres.opening import opened_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.postgres.sessions import login_of
from domain.connection import Connection
from domain.order import Order
from tests.support.orders import INSTALLATION
from tests.support.servers import OperatorsServer

CONNECTION_LIMIT = 3


@dataclass(frozen=True)
class Place:
    provider: PostgresProvider
    superuser: Login = field(repr=False)
    log: Path

    @property
    def admin(self) -> str:
        """The role that vends."""
        login = self.provider.server.admin
        return str(login.get("user", "admin"))

    async def sql(self, query: str, *values: object, database: str = "postgres") -> list[Any]:
        """What a superuser sees; rows of one column come as values."""
        async with session(self.superuser, database=database) as superuser:
            if not values and not query.lstrip().upper().startswith("SELECT"):
                await superuser.execute(query)
                return []
            rows = await superuser.fetch(query, *values)
            return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    async def census(self) -> tuple[set[str], set[str]]:
        """Every role and every database."""
        return (
            set(await self.sql("SELECT rolname FROM pg_roles")),
            set(await self.sql("SELECT datname FROM pg_database")),
        )

    async def has(self, order: Order) -> tuple[bool, bool]:
        """Whether there is a role, and a database, of the order's names."""
        roles, databases = await self.census()
        return order.tenant.names.owner in roles, order.tenant.names.database in databases


@asynccontextmanager
async def session(login: Login, **changes: object) -> AsyncIterator[asyncpg.Connection]:
    """One session, closed at the end if it is not gone by then."""
    open_one = asyncpg.connect if "dsn" in login else connect
    opened = await open_one(**{**login, "timeout": 10, **changes})
    try:
        yield opened
    finally:
        if not opened.is_closed():
            await opened.close()


@asynccontextmanager
async def without_rights(server: OperatorsServer, rights: str) -> AsyncIterator[None]:
    """Take the rights, such as `pg_signal_backend`, from the admin while the context lasts."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(f"REVOKE {rights} FROM admin")
        try:
            yield
        finally:
            await superuser.execute(f"GRANT {rights} TO admin")


@asynccontextmanager
async def tenant(connection: Connection, **changes: object) -> AsyncIterator[asyncpg.Connection]:
    """A session as the tenant opens one with what it was given."""
    async with session({**login_of(connection), "tls": Tls(mode="disable")}, **changes) as opened:
        yield opened


@contextmanager
def refused(*errors: type[Exception]) -> Iterator[None]:
    """The server says no: for want of a privilege unless other reasons are given."""
    with pytest.raises(errors or (asyncpg.InsufficientPrivilegeError,)):
        yield


@asynccontextmanager
async def operated(server: OperatorsServer) -> AsyncIterator[Place]:
    described = server_of_dsn(
        server.dsn(), public_host=None, public_port=None, connection_limit=CONNECTION_LIMIT
    )
    async with opened_provider(described, INSTALLATION) as provider:
        yield Place(
            provider=provider,
            superuser={"dsn": server.superuser_dsn},
            log=server.data.parent / "log",
        )


def bundle(provider: PostgresProvider) -> Place:
    installer = provider.server.superuser
    assert installer is not None
    data = Path(provider.server.admin["host"]).resolve()  # where its socket is, or a link to it
    return Place(provider=provider, superuser=installer, log=data.parent / "postgres.log")
