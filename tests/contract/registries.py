"""The registries, with their leases, for the contract tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import structlog

from adapters.decorators.logging import LoggingRegistry
from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.stores import Stores
from entrypoints.wiring.resources import create_memory_stores
from tests.contract.provider_kinds import RoundRobin
from tests.support.registries import empty_database, stores_in_postgres, stores_in_sqlite
from tests.support.servers import OperatorsServer

Open = Callable[[Any], AbstractAsyncContextManager[Stores]]


@dataclass(frozen=True)
class RegistryKind:
    """How to open an empty registry: `open` gets the value of the session's fixture `base`."""

    open: Open
    base: str | None = None


@asynccontextmanager
async def _in_memory(_: None) -> AsyncIterator[Stores]:
    yield create_memory_stores()


@asynccontextmanager
async def _on_disk(_: None) -> AsyncIterator[Stores]:
    async with stores_in_sqlite() as stores:
        yield stores


def _decorate(bare: Open) -> Open:
    @asynccontextmanager
    async def open_decorated(base: Any) -> AsyncIterator[Stores]:
        async with bare(base) as stores:
            registry = LoggingRegistry(stores.registry, structlog.get_logger())
            yield replace(stores, registry=registry)

    return open_decorated


@asynccontextmanager
async def _of_replicas(server: OperatorsServer) -> AsyncIterator[Stores]:
    """Two replicas that share one registry have to keep its contract together."""
    async with (
        empty_database(server) as url,
        open_postgres_stores(url) as one,
        open_postgres_stores(url) as other,
    ):
        names = [field.name for field in fields(Stores)]
        parts: dict[str, Any] = {
            name: RoundRobin(getattr(one, name), getattr(other, name)) for name in names
        }
        yield Stores(**parts)


KINDS = {
    "memory": RegistryKind(_in_memory),
    "memory-decorated": RegistryKind(_decorate(_in_memory)),
    "sqlite": RegistryKind(_on_disk),
    "postgres-15": RegistryKind(stores_in_postgres, "server_15"),
    "postgres-18, two replicas": RegistryKind(_of_replicas, "server_18"),
}
