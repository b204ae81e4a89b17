"""The stores in a PostgreSQL database. A service with its registry in a file does not load this
module, because SQLAlchemy's part for asyncio would make its start slower."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from adapters.registry import postgres
from adapters.registry.errors import startup_errors
from adapters.registry.executor import Executor
from adapters.registry.leases import PostgresLeases
from adapters.registry.rate_limiter import SqlRateLimiter
from adapters.registry.stores import Stores, create_stores
from ports.driven.cancellation import run_to_completion

POSTGRES_FIX = (
    "Set PGVEND_REGISTRY_URL to postgresql://user:password@host:5432/database: the server has to "
    "be running, and the user has to own the database."
)


@asynccontextmanager
async def open_postgres_stores(url: str) -> AsyncIterator[Stores]:
    """Open the registry in a database, which many processes may have open.

    Raises StartupError when it cannot be reached, when a newer pgvend migrated it, or when its user
    lacks a privilege.
    """
    with startup_errors(POSTGRES_FIX):
        await postgres.prepare(url)
    async with AsyncExitStack() as closing:
        engine = postgres.create_registry_engine(url)
        closing.push_async_callback(lambda: run_to_completion(engine.dispose()))
        leases = PostgresLeases(partial(postgres.open_session, url))
        closing.push_async_callback(leases.close)
        executor = Executor(engine, engine)
        yield create_stores(executor, leases, SqlRateLimiter(executor))
