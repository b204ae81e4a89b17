"""Resources of the container: stores, servers and their guards, and the secret's use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from structlog.stdlib import BoundLogger

from adapters.embedded.guard import open_embedded_guard
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.memory.api_key_store import MemoryApiKeyStore
from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.installation import MemoryInstallation
from adapters.memory.registry import MemoryRegistry
from adapters.memory.webhooks import MemoryAnnouncements, MemoryDeliveryQueue, MemoryWebhookStore
from adapters.postgres.factory import open_checked_provider
from adapters.postgres.guard import open_guard
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server, server_from_dsn
from adapters.registry.stores import Stores, open_sqlite_stores
from adapters.system.leases import InProcessLeases
from domain.passwords import PasswordDeriver, derive_secret_name
from domain.secrets import Secret
from entrypoints.config.secret_checks import (
    refuse_weak_secret,
    report_secret,
    report_webhook_secrets,
)
from entrypoints.config.settings import Settings
from ports.driven.clock import Clock
from ports.driven.guard import Guard
from ports.driven.metrics import Metrics


def create_memory_stores() -> Stores:
    audit_log = MemoryAuditLog()
    registry = MemoryRegistry(audit_log)
    installation = MemoryInstallation(registry)
    webhooks = MemoryWebhookStore()
    return Stores(
        registry,
        InProcessLeases(),
        MemoryApiKeyStore(),
        audit_log,
        installation,
        webhooks,
        MemoryDeliveryQueue(webhooks),
        MemoryAnnouncements(webhooks, registry),
    )


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    if settings.registry_url:
        from adapters.registry import postgres_stores  # noqa: PLC0415 - slow to load

        url = settings.registry_url.get_secret_value()
        async with postgres_stores.open_postgres_stores(url) as stores:
            yield stores
    elif settings.registry_file:
        async with open_sqlite_stores(settings.registry_file, InProcessLeases()) as stores:
            yield stores
    else:
        yield create_memory_stores()


async def read_installation(stores: Stores, settings: Settings, secret: Secret) -> str:
    """Return the installation's name, which marks the databases of pgvend.

    A new registry takes it from the oldest secret that is set. Raises StartupError.
    """
    await refuse_weak_secret(stores.registry, settings, secret)
    return await stores.installation.name(derive_secret_name(settings.oldest_secret(secret)))


async def create_password_deriver(
    stores: Stores, settings: Settings, secret: Secret, installation: str, log: BoundLogger
) -> PasswordDeriver:
    """Raises StartupError."""
    passwords = PasswordDeriver(secret, settings.previous_secrets, installation)
    await report_secret(stores.installation, settings, passwords, log, secret=secret)
    await report_webhook_secrets(stores.webhooks, passwords, log)
    return passwords


def create_embedded_options(settings: Settings) -> EmbeddedOptions:
    return EmbeddedOptions(
        folder=settings.data_dir.resolve() / "embedded",
        listen=settings.embedded_listen,
        port=settings.embedded_port,
        public_host=settings.public_host,
        public_port=settings.public_port,
        programs=settings.embedded_programs,
        connection_limit=settings.connection_limit,
    )


@asynccontextmanager
async def open_embedded(
    settings: Settings, installation: str, clock: Clock, log: BoundLogger, metrics: Metrics
) -> AsyncIterator[PostgresProvider]:
    async with open_embedded_provider(
        create_embedded_options(settings), installation, clock, log
    ) as provider:
        yield replace(provider, metrics=metrics)


@asynccontextmanager
async def open_embedded_server_guard(provider: PostgresProvider) -> AsyncIterator[Guard]:
    async with open_embedded_guard(provider) as guard:
        yield guard


def create_operators_server(settings: Settings) -> Server:
    """Return the server of the provider `postgres`."""
    return server_from_dsn(
        settings.admin_dsn(),
        public_host=settings.public_host,
        public_port=settings.public_port,
        connection_limit=settings.connection_limit,
    )


@asynccontextmanager
async def open_postgres(
    settings: Settings, installation: str, log: BoundLogger, metrics: Metrics
) -> AsyncIterator[PostgresProvider]:
    server, measures = create_operators_server(settings), settings.size_limit is not None
    async with open_checked_provider(server, installation, log, measures=measures) as provider:
        yield replace(provider, metrics=metrics)


@asynccontextmanager
async def open_postgres_guard(provider: PostgresProvider) -> AsyncIterator[Guard]:
    async with open_guard(provider.server, provider.marks) as guard:
        yield guard
