"""A registry, and the leases that go with it, for as long as a context lasts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry import postgres, sqlite
from adapters.registry.audit import SqlAuditTrail
from adapters.registry.errors import told
from adapters.registry.installation import SqlInstallation
from adapters.registry.keys import SqlKeyRing
from adapters.registry.leases import PostgresLeases
from adapters.registry.rates import SqlRates
from adapters.registry.registry import SqlRegistry
from adapters.registry.store import Store
from ports.cancellation import finished
from ports.driven.audit import AuditTrail
from ports.driven.installation import Installation
from ports.driven.keys import KeyRing
from ports.driven.leases import Leases
from ports.driven.rates import Rates
from ports.driven.registry import Registry

POSTGRES_MEND = (
    "See PGVEND_REGISTRY_URL: it has to be postgresql://user:password@host:5432/database, of a "
    "server that runs, and of a database that the user owns."
)


@dataclass(frozen=True)
class Opened:
    registry: Registry
    leases: Leases
    keys: KeyRing
    audit: AuditTrail
    installation: Installation
    shared_rates: Rates | None = None
    """Where replicas count together."""


def kept_in(store: Store, leases: Leases, shared_rates: Rates | None = None) -> Opened:
    """All that is kept in that store."""
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
    """Open the registry in that file, created if it is missing, for this process alone. `leases`
    are those of this process; `patience` is the wait for other programs' locks, in seconds.

    Raises StartupError: another process has it, or it is damaged, newer than we are, or locked.
    """
    async with AsyncExitStack() as closing:
        with told(f"See {file}."):
            closing.enter_context(sqlite.sole_use(file))
            await finished(asyncio.to_thread(sqlite.prepare, file, patience))
        # writers would wait for each other by polling; readers wait for nobody
        engine_of = partial(sqlite.engine_of, file, patience=patience)
        writing = _closed_by(closing, engine_of(connections=1))
        reading = _closed_by(closing, engine_of(connections=sqlite.READERS))
        yield kept_in(Store(reading, writing), leases)


@asynccontextmanager
async def opened_postgres(url: str) -> AsyncIterator[Opened]:
    """The registry in that database, which many processes may have opened.

    Raises StartupError: it cannot be reached, or is newer than we are, or its user may not work.
    """
    with told(POSTGRES_MEND):
        await postgres.prepare(url)
    async with AsyncExitStack() as closing:
        engine = _closed_by(closing, postgres.engine_of(url))
        leases = PostgresLeases(partial(postgres.session, url))
        closing.push_async_callback(leases.close)
        store = Store(engine, engine)
        yield kept_in(store, leases, SqlRates(store))


def _closed_by(closing: AsyncExitStack, engine: AsyncEngine) -> AsyncEngine:
    closing.push_async_callback(lambda: finished(engine.dispose()))
    return engine
