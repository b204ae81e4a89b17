"""Opening of providers over a running server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from structlog.stdlib import BoundLogger

from adapters.postgres.claim import prepare_session
from adapters.postgres.errors import FAILURES
from adapters.postgres.marks import Marks
from adapters.postgres.measurement import check_measure_privilege
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.requirements import build_public_access_fixes, check_admin_privileges
from adapters.postgres.server import Server
from adapters.postgres.sessions import acquire_session, create_admin_pool
from domain.errors import ProviderRejected, StartupError, Unavailable

POOL_CLOSE_TIMEOUT = 5.0


@asynccontextmanager
async def open_provider(server: Server, installation: str) -> AsyncIterator[PostgresProvider]:
    """Open a provider until the context exits. The first call opens the first session."""
    pool = await create_admin_pool(server.admin, prepare_session)
    try:
        yield PostgresProvider(server=server, marks=Marks(installation), pool=pool)
    finally:
        await _close_pool(pool)


@asynccontextmanager
async def open_checked_provider(
    server: Server, installation: str, log: BoundLogger, *, measures: bool = False
) -> AsyncIterator[PostgresProvider]:
    """Open a provider over an operator's server, and check the server first. `measures` also checks
    that the admin may measure databases. Raises StartupError."""
    async with open_provider(server, installation) as provider:
        await check_server(provider, log, "PGVEND_POSTGRES_ADMIN_DSN", measures=measures)
        yield provider


async def check_server(
    provider: PostgresProvider,
    log: BoundLogger,
    setting: str,
    *,
    has_superuser: bool = True,
    measures: bool = False,
) -> None:
    """Check the server, and log what the operator should change. Accept a server that is
    unavailable, which may start later.

    Raises StartupError, which names the `setting`, if the admin's login is refused or lacks a
    privilege.
    """
    try:
        async with acquire_session(provider.pool) as session:
            await check_admin_privileges(session)
            if measures:
                await check_measure_privilege(session)
            if fixes := await build_public_access_fixes(session, only_own=not has_superuser):
                role = "superuser" if has_superuser else "admin"
                statements = [fix.line for fix in fixes]
                log.warning("postgres.open_to_tenants", run_as=role, statements=statements)
    except ProviderRejected as error:
        raise StartupError(f"{error} See {setting}.") from error
    except Unavailable as error:
        log.warning("postgres.unavailable", detail=str(error))


async def _close_pool(pool: asyncpg.Pool) -> None:
    """Close the pool. Never raises, because other resources have to be closed too."""
    try:
        await asyncio.wait_for(pool.close(), POOL_CLOSE_TIMEOUT)
    except FAILURES:
        pool.terminate()
