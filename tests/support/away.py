"""Records that cannot be reached for a while."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from adapters.registry.opening import Opened
from domain.database import Database
from domain.errors import Unavailable
from entrypoints.resources import in_memory
from ports.driven.leases import Leases
from ports.driven.registry import Query, Registry

T = TypeVar("T")


@dataclass
class Outage:
    """What is asked for while `is_on` fails, as it does when the registry's server is away."""

    is_on: bool = False

    async def kept(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.is_on:
            raise Unavailable("The registry cannot be reached.")
        return await call()


@dataclass(frozen=True)
class AwayRegistry(Registry):
    inner: Registry
    outage: Outage

    async def add(self, database: Database, quota: int | None = None) -> Database:
        return await self.outage.kept(lambda: self.inner.add(database, quota))

    async def update(self, database: Database) -> Database:
        return await self.outage.kept(lambda: self.inner.update(database))

    async def get(self, database_id: str) -> Database:
        return await self.outage.kept(lambda: self.inner.get(database_id))

    async def search(self, query: Query) -> list[Database]:
        return await self.outage.kept(lambda: self.inner.search(query))

    async def ping(self) -> None:
        await self.outage.kept(self.inner.ping)


@dataclass(frozen=True)
class AwayLeases(Leases):
    inner: Leases
    outage: Outage

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[bool]:
        if self.outage.is_on:
            raise Unavailable("The registry cannot be reached.")
        async with self.inner.held(name) as is_mine:
            yield is_mine


def records_with(outage: Outage) -> Opened:
    """Records in memory, away as long as the outage is on."""
    records = in_memory()
    return replace(
        records,
        registry=AwayRegistry(records.registry, outage),
        leases=AwayLeases(records.leases, outage),
    )
