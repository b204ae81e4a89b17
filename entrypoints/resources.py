"""The part of the composition root that is opened and closed: servers and records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.stdlib import BoundLogger

from adapters.embedded.opening import Bundle, opened_bundle
from adapters.memory.audit import MemoryAuditTrail
from adapters.memory.installation import MemoryInstallation
from adapters.memory.keys import MemoryKeyRing
from adapters.memory.leases import MemoryLeases
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.opening import checked_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server, server_of_dsn
from adapters.registry.opening import Opened, opened_postgres, opened_sqlite
from entrypoints.settings import Settings
from ports.driven.clock import Clock


def bundle_of(settings: Settings) -> Bundle:
    return Bundle(
        folder=settings.data_dir.resolve() / "embedded",
        listen=settings.embedded_listen,
        port=settings.embedded_port,
        public_host=settings.public_host,
        public_port=settings.public_port,
        programs=settings.embedded_programs,
        connection_limit=settings.connection_limit,
    )


def server_of(settings: Settings) -> Server:
    """For the provider `postgres`."""
    return server_of_dsn(
        settings.admin_dsn(),
        public_host=settings.public_host,
        public_port=settings.public_port,
        connection_limit=settings.connection_limit,
    )


@asynccontextmanager
async def on_embedded(
    settings: Settings, installation: str, clock: Clock, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    async with opened_bundle(bundle_of(settings), installation, clock, log) as provider:
        yield provider


@asynccontextmanager
async def on_postgres(
    settings: Settings, installation: str, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    server, measures = server_of(settings), settings.size_limit is not None
    async with checked_provider(server, installation, log, measures=measures) as provider:
        yield provider


def in_memory() -> Opened:
    registry = MemoryRegistry()
    installation = MemoryInstallation(registry)
    return Opened(registry, MemoryLeases(), MemoryKeyRing(), MemoryAuditTrail(), installation)


@asynccontextmanager
async def records_of(settings: Settings) -> AsyncIterator[Opened]:
    if settings.registry_url:
        async with opened_postgres(settings.registry_url.get_secret_value()) as opened:
            yield opened
    elif settings.registry_file:
        async with opened_sqlite(settings.registry_file, MemoryLeases()) as opened:
            yield opened
    else:
        yield in_memory()
