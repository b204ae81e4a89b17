"""The registry with its leases, API keys and audit log, open until a context exits."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from adapters.registry import sqlite
from adapters.registry.announcements import SqlAnnouncements
from adapters.registry.api_keys import SqlApiKeyStore
from adapters.registry.audit_log import SqlAuditLog
from adapters.registry.deliveries import SqlDeliveryQueue
from adapters.registry.errors import startup_errors
from adapters.registry.executor import Executor
from adapters.registry.installation import SqlInstallation
from adapters.registry.registry import SqlRegistry
from adapters.registry.threads import ThreadedEngine
from adapters.registry.webhooks import SqlWebhookStore
from ports.driven.announcements import Announcements
from ports.driven.api_key_store import ApiKeyStore
from ports.driven.audit_log import AuditLog
from ports.driven.cancellation import run_in_thread, run_to_completion
from ports.driven.delivery_queue import DeliveryQueue
from ports.driven.installation import Installation
from ports.driven.leases import Leases
from ports.driven.rate_limiter import RateLimiter
from ports.driven.registry import Registry
from ports.driven.webhook_store import WebhookStore


@dataclass(frozen=True)
class Stores:
    """The stores of one database, and the leases of the processes that share it."""

    registry: Registry
    leases: Leases
    keys: ApiKeyStore
    audit: AuditLog
    installation: Installation
    webhooks: WebhookStore
    deliveries: DeliveryQueue
    announcements: Announcements
    shared_rate_limiter: RateLimiter | None = None
    """The limits that replicas share; None where there is one process."""


def create_stores(
    executor: Executor, leases: Leases, shared_rate_limiter: RateLimiter | None = None
) -> Stores:
    """Return the stores of one database."""
    return Stores(
        SqlRegistry(executor),
        leases,
        SqlApiKeyStore(executor),
        SqlAuditLog(executor),
        SqlInstallation(executor),
        SqlWebhookStore(executor),
        SqlDeliveryQueue(executor),
        SqlAnnouncements(executor),
        shared_rate_limiter,
    )


@asynccontextmanager
async def open_sqlite_stores(
    file: Path, leases: Leases, lock_timeout: float = sqlite.LOCK_TIMEOUT
) -> AsyncIterator[Stores]:
    """Open the registry in a file, and create the file when it is missing. `leases`
    are those of this process. `lock_timeout` is the time in seconds to wait for another program
    that locks the file.

    Raises StartupError when another process has it open, when it is damaged or locked, or when a
    newer pgvend migrated it.
    """
    async with AsyncExitStack() as closing:
        with startup_errors(f"See {file}."):
            closing.enter_context(sqlite.exclusive_lock(file))
            await run_in_thread(sqlite.prepare, file, lock_timeout)
        # one connection to write: several would wait for each other by polling; readers never wait
        create_engine = partial(sqlite.create_registry_engine, file, lock_timeout=lock_timeout)
        writing = _close_on_exit(closing, create_engine(connections=1))
        reading = _close_on_exit(closing, create_engine(connections=sqlite.READ_CONNECTIONS))
        yield create_stores(Executor(reading, writing), leases)


def _close_on_exit(closing: AsyncExitStack, engine: ThreadedEngine) -> ThreadedEngine:
    closing.push_async_callback(lambda: run_to_completion(engine.dispose()))
    return engine
