"""Stores that cannot be reached during an outage."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from adapters.registry.stores import Stores
from domain.errors import Unavailable
from entrypoints.wiring.resources import create_memory_stores
from ports.driven.leases import Leases
from ports.driven.registry import Registry
from tests.support.doubles import WrappedRegistry

T = TypeVar("T")


@dataclass
class Outage:
    """While `is_on`, every call fails, as without the server of the registry."""

    is_on: bool = False

    def check(self) -> None:
        if self.is_on:
            raise Unavailable("The registry cannot be reached.")


@dataclass
class UnreachableRegistry(WrappedRegistry):
    inner: Registry
    outage: Outage

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        self.outage.check()
        return await call()


@dataclass(frozen=True)
class UnreachableLeases(Leases):
    inner: Leases
    outage: Outage

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        self.outage.check()
        async with self.inner.acquire(name) as is_acquired:
            yield is_acquired


def create_unreachable_stores(outage: Outage) -> Stores:
    """Return stores in memory that cannot be reached during the outage."""
    records = create_memory_stores()
    return replace(
        records,
        registry=UnreachableRegistry(records.registry, outage),
        leases=UnreachableLeases(records.leases, outage),
    )
