"""A registry on a PostgreSQL server: for many replicas."""

from contextlib import suppress
from functools import partial
from typing import cast

import asyncpg
from sqlalchemy import NullPool, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.driver.connecting import connect, login_of_url
from adapters.registry.errors import FAILURES
from adapters.registry.migrating import migrate
from domain.postgres_url import PostgresUrl

SETTING = "PGVEND_REGISTRY_URL"

CONNECT_TIMEOUT = 5.0
STATEMENT_TIMEOUT = 15.0
MIGRATION_TIMEOUT = 600.0
PLACE_TIMEOUT = 15.0
FAREWELL_TIMEOUT = 2.0
"""Seconds: to open a session, to wait for a statement, to wait for the migrations, which another
replica may be at, to wait for a session of the pool, to part from one."""

POOL_SIZE = 5

MIGRATION_LOCK = int.from_bytes(b"pgvend")

SETTINGS = {
    "application_name": "pgvend",
    "synchronous_commit": "on",  # a record must outlast a crash before its database is made
    "default_transaction_isolation": "read committed",
    "statement_timeout": "12s",  # the server can say more about it than our own, which is longer
    "idle_in_transaction_session_timeout": "10s",  # nobody waits longer for whoever stands still
    "idle_session_timeout": "0",  # one session is there for its locks alone
    # a session whose other end vanished without a goodbye, and with it a lease, ends in a minute
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class Session(asyncpg.Connection):
    async def close(self, *, timeout: float | None = FAREWELL_TIMEOUT) -> None:  # noqa: ASYNC109
        """A goodbye that is not answered is no error, and not waited for."""
        with suppress(*FAILURES):
            await super().close(timeout=timeout)


async def session(url: str, *, patience: float = STATEMENT_TIMEOUT, **settings: str) -> Session:
    """Open a session by ourselves: SQLAlchemy does not know libpq's parameters."""
    opened = await connect(
        **login_of_url(PostgresUrl.parse(url), SETTING),
        timeout=CONNECT_TIMEOUT,
        command_timeout=patience,
        server_settings=SETTINGS | settings,
        connection_class=Session,
    )
    return cast("Session", opened)


def engine_of(url: str, patience: float = STATEMENT_TIMEOUT) -> AsyncEngine:
    """A session that broke while nobody used it is replaced."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=partial(session, url, patience=patience),
        isolation_level="AUTOCOMMIT",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=PLACE_TIMEOUT,
        pool_pre_ping=True,
        hide_parameters=True,
    )


async def prepare(url: str) -> None:
    """Migrate, one replica after the other."""
    patient = partial(session, url, patience=MIGRATION_TIMEOUT, statement_timeout="0")
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=patient, poolclass=NullPool, hide_parameters=True
    )
    async with engine.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.run_sync(migrate)
