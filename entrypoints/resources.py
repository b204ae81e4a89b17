"""The part of the composition root that is opened and closed: servers and records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.stdlib import BoundLogger

from adapters.embedded.opening import Bundle, opened_bundle
from adapters.memory.leases import MemoryLeases
from adapters.memory.registry import MemoryRegistry
from adapters.postgres.opening import checked_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.registry.opening import Opened, opened_postgres, opened_sqlite
from domain.passwords import PasswordDeriver
from entrypoints.settings import Settings
from ports.driven.clock import Clock


@asynccontextmanager
async def on_embedded(
    settings: Settings, passwords: PasswordDeriver, clock: Clock, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    bundle = Bundle(
        folder=settings.data_dir.resolve() / "embedded",
        port=settings.embedded_port,
        connection_limit=settings.connection_limit,
    )
    async with opened_bundle(bundle, passwords.installation(), clock, log) as provider:
        yield provider


@asynccontextmanager
async def on_postgres(
    settings: Settings, passwords: PasswordDeriver, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    server = server_of_dsn(
        settings.admin_dsn(),
        public_host=settings.postgres_public_host,
        public_port=settings.postgres_public_port,
        connection_limit=settings.connection_limit,
    )
    async with checked_provider(server, passwords.installation(), log) as provider:
        yield provider


@asynccontextmanager
async def records_of(settings: Settings) -> AsyncIterator[Opened]:
    if settings.registry_url:
        async with opened_postgres(settings.registry_url.get_secret_value()) as opened:
            yield opened
    elif settings.registry_file:
        async with opened_sqlite(settings.registry_file) as opened:
            yield opened
    else:
        yield Opened(MemoryRegistry(), MemoryLeases())
