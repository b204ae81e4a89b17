"""The registry with its leases, API keys and audit log, open until a context exits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry import postgres, sqlite
from adapters.registry.api_keys import SqlKeyRing
from adapters.registry.audit_log import SqlAuditTrail
from adapters.registry.errors import told
from adapters.registry.installation import SqlInstallation
from adapters.registry.leases import PostgresLeases
from adapters.registry.rate_limiter import SqlRates
from adapters.registry.registry import SqlRegistry
from adapters.registry.store import Store
from ports.driven.api_key_store import KeyRing
from ports.driven.audit_log import AuditTrail
from ports.driven.cancellation import finished
from ports.driven.installation import Installation
from ports.driven.leases import Leases
from ports.driven.rate_limiter import Rates
from ports.driven.registry import Registry

POSTGRES_MEND = (
    "Set PGVEND_REGISTRY_URL to postgresql://user:password@host:5432/database: the server has to "
    "be running, and the user has to own the database."
)


@dataclass(frozen=True)
class Opened:
    """The stores of one database, and the leases of the processes that share it."""

    registry: Registry
    leases: Leases
    keys: KeyRing
    audit: AuditTrail
    installation: Installation
    shared_rates: Rates | None = None
    """The limits that replicas share; None where there is one process."""


def kept_in(store: Store, leases: Leases, shared_rates: Rates | None = None) -> Opened:
    """Return the stores of one database."""
    return Opened(
        SqlRegistry(store),
        leases,
        SqlKeyRing(store),
        SqlAuditTrail(store),
        SqlInstallation(store),
        shared_rates,
    )


@asynccontextmanager
async def opened_sqlite(
    file: Path, leases: Leases, patience: float = sqlite.PATIENCE
) -> AsyncIterator[Opened]:
    """Open the registry in a file, and create the file when it is missing. `leases`
    are those of this process. `lock_timeout` is the time in seconds to wait for another program
    that locks the file.

    Raises StartupError when another process has it open, when it is damaged or locked, or when a
    newer pgvend migrated it.
    """
    async with AsyncExitStack() as closing:
        with told(f"See {file}."):
            closing.enter_context(sqlite.sole_use(file))
            await finished(asyncio.to_thread(sqlite.prepare, file, patience))
        # one connection to write: several would wait for each other by polling; readers never wait
        engine_of = partial(sqlite.engine_of, file, patience=patience)
        writing = _closed_by(closing, engine_of(connections=1))
        reading = _closed_by(closing, engine_of(connections=sqlite.READERS))
        yield kept_in(Store(reading, writing), leases)


@asynccontextmanager
async def opened_postgres(url: str) -> AsyncIterator[Opened]:
    """Open the registry in a database, which many processes may have open.

    Raises StartupError when it cannot be reached, when a newer pgvend migrated it, or when its user
    lacks a privilege.
    """
    with told(POSTGRES_MEND):
        await postgres.prepare(url)
    async with AsyncExitStack() as closing:
        engine = _closed_by(closing, postgres.engine_of(url))
        leases = PostgresLeases(partial(postgres.open_session, url))
        closing.push_async_callback(leases.close)
        store = Store(engine, engine)
        yield kept_in(store, leases, SqlRates(store))


def _closed_by(closing: AsyncExitStack, engine: AsyncEngine) -> AsyncEngine:
    closing.push_async_callback(lambda: finished(engine.dispose()))
    return engine
