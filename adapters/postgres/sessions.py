"""Sessions: out of the admin's pool, or one for a purpose."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from adapters.driver.connecting import Login, connect, create_pool
from adapters.driver.tls import Tls
from adapters.postgres.errors import FAILURES, translated
from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderBusy

Session = PoolConnectionProxy | asyncpg.Connection
"""A session of the admin: out of the pool, or one for a purpose."""

SESSION_SETTINGS = {
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

UNSWAYED = {
    "default_transaction_read_only": "off",
    "role": "none",
    "local_preload_libraries": "",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""What a tenant's database may have been set to, to keep sessions of ours from their work there."""

APPLICATION = "pgvend"

CONNECT_TIMEOUT = 10.0
STATEMENT_TIMEOUT = 70.0  # a little longer than the server's, which knows more
PLACE_TIMEOUT = 60.0
FAREWELL_TIMEOUT = 3.0
"""Seconds: to open a session, to wait for a statement, to wait for a session of the pool, to stop
what a session does and part from it."""

POOL_SIZE = 6
"""CREATE DATABASE is bound by the server's processors: more at once only makes each one slower."""


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


async def _released(pool: asyncpg.Pool, session: PoolConnectionProxy) -> None:
    with suppress(*FAILURES):
        await pool.release(session, timeout=FAREWELL_TIMEOUT)


def startup(settings: Mapping[str, str]) -> dict[str, str]:
    """The parameters that a session begins with: `settings`, whose values hold no space, are within
    `options`, because Neon's proxy drops all others but the application's name."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {"application_name": APPLICATION, "options": options}


def opened_pool(admin: Login) -> asyncpg.Pool:
    """Sessions of the admin, opened when they are needed."""
    return create_pool(
        admin,
        min_size=0,
        max_size=POOL_SIZE,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT,
        server_settings=startup(SESSION_SETTINGS),
    )


@asynccontextmanager
async def single_session(
    login: Login,
    *,
    lost: type[ProviderBusy | OutcomeUnknown] = OutcomeUnknown,
    **settings: str,
) -> AsyncIterator[asyncpg.Connection]:
    """A session outside the pool, for one purpose; `lost` is what its breaking means, `settings` go
    over the usual ones.

    A goodbye that is not answered is no error, as in `session_of`.
    """
    with translated(lost=ProviderBusy):
        session = await connect(
            **login,
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
            server_settings=startup({**SESSION_SETTINGS, **UNSWAYED, **settings}),
        )
    try:
        with translated(lost=lost):
            yield session
    finally:
        await _parted(session)


async def _parted(session: asyncpg.Connection) -> None:
    with suppress(*FAILURES):
        await session.close(timeout=FAREWELL_TIMEOUT)


@asynccontextmanager
async def tenant_session(connection: Connection) -> AsyncIterator[asyncpg.Connection]:
    """A session as the tenant opens one: without settings of ours, which a pooler refuses."""
    with translated(lost=ProviderBusy):
        session = await connect(
            **login_of(connection), timeout=CONNECT_TIMEOUT, command_timeout=STATEMENT_TIMEOUT
        )
    try:
        with translated(lost=ProviderBusy):
            yield session
    finally:
        await _parted(session)


def login_of(connection: Connection) -> Login:
    """The login that a tenant makes with what it was given."""
    return {
        "host": [address.host for address in connection.addresses],
        "port": [address.port for address in connection.addresses],
        "database": connection.database,
        "user": connection.user,
        "password": connection.password.reveal(),
        "target_session_attrs": connection.target_session_attrs,
        "tls": Tls(mode=connection.sslmode, root=connection.sslrootcert),
    }
