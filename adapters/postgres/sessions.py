"""Sessions from the admin's pool, and single sessions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from adapters.driver.connector import Login, connect, create_pool
from adapters.driver.tls import Tls
from adapters.postgres.errors import FAILURES, translate_errors
from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderBusy

Session = PoolConnectionProxy | asyncpg.Connection
"""A session of the admin, from the pool or a single one."""

Prepare = Callable[[Session], Awaitable[None]]
"""Prepares a session that was just opened."""

SESSION_SETTINGS = {
    # a tenant cannot shadow the server's functions, in any database
    "search_path": "pg_catalog",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    # a session whose client vanished ends after a minute instead of hours, and releases a tenant's
    # lock: an idle one by the first three settings, one that is sending an answer by the last
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

TENANT_SETTING_OVERRIDES = {
    "default_transaction_read_only": "off",
    "role": "none",
    "local_preload_libraries": "",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""Settings that a tenant could give its database to obstruct pgvend's sessions there."""

APPLICATION = "pgvend"

CONNECT_TIMEOUT = 10.0
"""Seconds to open a session, and to prepare it."""

STATEMENT_TIMEOUT = 70.0
"""Seconds to wait for a statement: longer than the server's timeout, whose error says more."""

ACQUIRE_TIMEOUT = 60.0
"""Seconds to wait for a session of the pool."""

CLOSE_TIMEOUT = 3.0
"""Seconds to cancel a session's statement and to close it."""

POOL_SIZE = 6
"""CREATE DATABASE is limited by the server's processors: running more at once only slows down
each."""


@asynccontextmanager
async def acquire_session(pool: asyncpg.Pool) -> AsyncIterator[Session]:
    """Acquire a session of the admin. Its advisory locks are released when it returns to the pool.

    The pool ends a session that cannot be returned. That raises no error, which would hide the
    result of the work and, above all, a cancellation.
    """
    with translate_errors(lost=ProviderBusy):
        async with asyncio.timeout(ACQUIRE_TIMEOUT):  # the pool's own one would start a task
            session = await pool.acquire()
    try:
        with translate_errors(lost=OutcomeUnknown):
            yield session
    finally:
        with suppress(*FAILURES):
            await pool.release(session, timeout=CLOSE_TIMEOUT)  # completes despite a cancellation


@asynccontextmanager
async def hold_place(
    places: asyncio.Semaphore, longest: float = ACQUIRE_TIMEOUT
) -> AsyncIterator[None]:
    """Hold one of the places for calls of a kind. Raises ProviderBusy if none becomes free in
    `longest` seconds."""
    with translate_errors(lost=ProviderBusy):
        async with asyncio.timeout(longest):
            await places.acquire()
    try:
        yield
    finally:
        places.release()


def build_startup_parameters(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the startup parameters of a session. `settings`, whose values must not contain
    spaces, go into `options`, because Neon's proxy drops all other parameters except the
    application name."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {"application_name": APPLICATION, "options": options}


class PooledSession(asyncpg.Connection):
    """A session of the pool, which is reset before the next use unless nothing was changed."""

    is_unchanged = False

    def skip_reset(self) -> None:
        self.is_unchanged = True


def skip_reset(session: Session) -> None:
    """Save the round trip of the session's next reset. Call it after transactions that leave
    nothing behind in the session: no lock, no setting, no cursor."""
    cast("PooledSession", session).skip_reset()  # of the pool's proxy, which passes it on


async def _reset(session: PooledSession) -> None:
    if not session.is_unchanged:
        await session.execute(session.get_reset_query())
    session.is_unchanged = False


async def _prepare(prepare: Prepare, session: asyncpg.Connection) -> None:
    """Prepare a new session, or end it at once: the pool would wait until a silent server did."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await prepare(session)
    except BaseException:
        session.terminate()
        raise


def create_admin_pool(admin: Login, prepare: Prepare) -> asyncpg.Pool:
    """Create a pool of the admin's sessions, which open on demand. `prepare` runs in each new
    one."""
    return create_pool(
        admin,
        min_size=0,
        max_size=POOL_SIZE,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT,
        server_settings=build_startup_parameters(SESSION_SETTINGS),
        connection_class=PooledSession,
        reset=_reset,
        init=partial(_prepare, prepare),
    )


@asynccontextmanager
async def open_session(
    login: Login,
    *,
    lost: type[ProviderBusy | OutcomeUnknown] = OutcomeUnknown,
    **settings: str,
) -> AsyncIterator[asyncpg.Connection]:
    """Open a session outside the pool. `lost` is the error for a broken connection; `settings`
    override the usual ones.

    A session that does not close in time raises no error, as in `acquire_session`.
    """
    with translate_errors(lost=ProviderBusy):
        session = await connect(
            **login,
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
            server_settings=build_startup_parameters(
                {**SESSION_SETTINGS, **TENANT_SETTING_OVERRIDES, **settings}
            ),
        )
    try:
        with translate_errors(lost=lost):
            yield session
    finally:
        await _close(session)


async def _close(session: asyncpg.Connection) -> None:
    with suppress(*FAILURES):
        await session.close(timeout=CLOSE_TIMEOUT)


@asynccontextmanager
async def open_tenant_session(connection: Connection) -> AsyncIterator[asyncpg.Connection]:
    """Open a session as the tenant does, without pgvend's settings, which a pooler refuses."""
    with translate_errors(lost=ProviderBusy):
        session = await connect(
            **login_from_connection(connection),
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
        )
    try:
        with translate_errors(lost=ProviderBusy):
            yield session
    finally:
        await _close(session)


def login_from_connection(connection: Connection) -> Login:
    """Return the login that a tenant uses with its connection."""
    return {
        "host": [address.host for address in connection.addresses],
        "port": [address.port for address in connection.addresses],
        "database": connection.database,
        "user": connection.user,
        "password": connection.password.reveal(),
        "target_session_attrs": connection.target_session_attrs,
        "tls": Tls(mode=connection.sslmode, root=connection.sslrootcert),
    }
