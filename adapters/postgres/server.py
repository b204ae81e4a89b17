"""One PostgreSQL server: how the admin reaches it, and how tenants do."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from adapters.postgres.errors import FAILURES, translated
from adapters.postgres.sight import Session
from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderBusy
from domain.order import Order

Login = Mapping[str, Any]
"""asyncpg's arguments for one login: a `dsn`, or host, port, user and so on."""

SESSION_SETTINGS = {
    "application_name": "pgvend",
    # a tenant cannot put its own functions before the server's, wherever this session goes
    "search_path": "pg_catalog",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    # a session whose other end vanished without a goodbye, and with it a tenant's lock, is ended
    # after a minute, not hours: idle ones by the first three, one with an answer by the last
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

CONNECT_TIMEOUT = 10.0
STATEMENT_TIMEOUT = 70.0  # a little longer than the server's, which knows more
PLACE_TIMEOUT = 60.0
FAREWELL_TIMEOUT = 3.0
"""Seconds: to open a session, to wait for a statement, to wait for a session of the pool, to stop
what a session does and part from it."""

POOL_SIZE = 6
"""CREATE DATABASE is bound by the server's processors: more at once only makes each one slower."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """`admin` vends. `installer`, a superuser where there is one, installs the `installable`
    extensions, which have to be harmless; all others a tenant installs itself, if it may."""

    admin: Login = field(repr=False)
    installer: Login | None = field(default=None, repr=False)
    installable: frozenset[str] = frozenset()
    public_host: str
    public_port: int
    sslmode: str = "prefer"
    connection_limit: int = 20

    def connection(self, order: Order) -> Connection:
        return Connection(
            host=self.public_host,
            port=self.public_port,
            database=order.tenant.names.database,
            user=order.tenant.names.owner,
            password=order.password,
            sslmode=self.sslmode,
        )


def server_of_dsn(
    dsn: str, *, public_host: str | None, public_port: int | None, connection_limit: int
) -> Server:
    """The server that `dsn` logs in to; tenants reach it the same way unless told otherwise."""
    parts = urlsplit(dsn)
    return Server(
        admin={"dsn": dsn},
        public_host=public_host or parts.hostname or "localhost",
        public_port=public_port or parts.port or 5432,
        sslmode=parse_qs(parts.query).get("sslmode", ["prefer"])[0],
        connection_limit=connection_limit,
    )


@asynccontextmanager
async def session_of(pool: asyncpg.Pool) -> AsyncIterator[Session]:
    """A session of the admin; its advisory locks end when it goes back into the pool.

    One that cannot go back is ended by the pool. That is no error: it would hide how the work came
    out, and above all that it was cancelled.
    """
    with translated(lost=ProviderBusy):
        session = await pool.acquire(timeout=PLACE_TIMEOUT)
    try:
        with translated(lost=OutcomeUnknown):
            yield session
    finally:
        await asyncio.shield(_released(pool, session))


async def _released(pool: asyncpg.Pool, session: Session) -> None:
    with suppress(*FAILURES):
        await pool.release(session, timeout=FAREWELL_TIMEOUT)


def opened_pool(server: Server) -> asyncpg.Pool:
    """Sessions of the admin, opened when they are needed."""
    return asyncpg.create_pool(
        **server.admin,
        min_size=0,
        max_size=POOL_SIZE,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT,
        server_settings=SESSION_SETTINGS,
    )


@asynccontextmanager
async def single_session(
    login: Login,
    *,
    lost: type[ProviderBusy | OutcomeUnknown] = OutcomeUnknown,
    search_path: str = "pg_catalog",
) -> AsyncIterator[asyncpg.Connection]:
    """A session outside the pool, for one purpose; `lost` is what its breaking means.

    A goodbye that is not answered is no error, as in `session_of`.
    """
    with translated(lost=ProviderBusy):
        session = await asyncpg.connect(
            **login,
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
            server_settings={**SESSION_SETTINGS, "search_path": search_path},
        )
    try:
        with translated(lost=lost):
            yield session
    finally:
        with suppress(*FAILURES):
            await session.close(timeout=FAREWELL_TIMEOUT)


def login_of(connection: Connection) -> Login:
    """The login that a tenant makes with what it was given."""
    return {
        "host": connection.host,
        "port": connection.port,
        "database": connection.database,
        "user": connection.user,
        "password": connection.password.reveal(),
        "ssl": connection.sslmode,
    }
