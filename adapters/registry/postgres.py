"""A registry on a PostgreSQL server, which replicas share."""

from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, cast

import asyncpg
from sqlalchemy import NullPool, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from adapters.driver.connector import connect, login_from_url
from adapters.registry.errors import DRIVER_ERRORS
from adapters.registry.migration import migrate
from domain.postgres_url import PostgresUrl

SETTING = "PGVEND_REGISTRY_URL"

CONNECT_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 15.0
MIGRATION_TIMEOUT = 600.0
POOL_TIMEOUT = 15.0
CLOSE_TIMEOUT = 2.0
"""Seconds: to open a session, to run a statement, to run the migrations (another replica may be
running them), to wait for a session of the pool, and to close one."""

POOL_SIZE = 5

TRUSTED_TIME = 1.0
"""Seconds after its last use in which a session is not asked whether it still works."""

MIGRATION_LOCK = int.from_bytes(b"pgvend")

SETTINGS = {
    "application_name": "pgvend",
    "synchronous_commit": "on",  # a record must survive a crash before its database is provisioned
    "default_transaction_isolation": "read committed",
    "statement_timeout": "12s",  # shorter than ours: its error says more
    "idle_in_transaction_session_timeout": "10s",  # no replica that stalls blocks others longer
    "idle_session_timeout": "0",  # the session of the leases is idle
    # a session whose client vanished ends within a minute, and its leases with it
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class Session(asyncpg.Connection):
    async def close(self, *, timeout: float | None = CLOSE_TIMEOUT) -> None:  # noqa: ASYNC109
        """Close the session. Ignore errors, and do not wait longer than `timeout`."""
        with suppress(*DRIVER_ERRORS):
            await super().close(timeout=timeout)


async def open_session(
    url: str, *, call_timeout: float = STATEMENT_TIMEOUT, **settings: str
) -> Session:
    """Open a session without SQLAlchemy, which does not know libpq's parameters."""
    opened = await connect(
        **login_from_url(PostgresUrl.parse(url), SETTING),
        timeout=CONNECT_TIMEOUT,
        command_timeout=call_timeout,
        server_settings=SETTINGS | settings,
        connection_class=Session,
    )
    return cast("Session", opened)


def create_registry_engine(url: str, call_timeout: float = STATEMENT_TIMEOUT) -> AsyncEngine:
    """Return a pool of sessions. It replaces a session that broke while it was idle."""
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(open_session, url, call_timeout=call_timeout),
        isolation_level="AUTOCOMMIT",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkin", _note_use)
    event.listen(engine.sync_engine, "checkout", _check_session)
    return engine


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = monotonic()


def _check_session(session: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
    """Let the pool replace a session that broke. A session in use reports its end at once: only
    one that was idle is asked, because a question costs as much as a statement."""
    used_at = record.info.get("used_at")
    if used_at is None:  # a new one
        return
    try:
        if used_at + TRUSTED_TIME < monotonic():
            cast("Any", session).ping()
        is_closed = cast("Session", record.driver_connection).is_closed()
    except Exception as error:  # translated by the driver's adapter, in many ways
        raise DisconnectionError from error
    if is_closed:
        raise DisconnectionError


async def prepare(url: str) -> None:
    """Run the migrations, under a lock: one replica at a time."""
    open_migration_session = partial(
        open_session, url, call_timeout=MIGRATION_TIMEOUT, statement_timeout="0"
    )
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=open_migration_session,
        poolclass=NullPool,
        hide_parameters=True,
    )
    async with engine.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.run_sync(migrate)
