"""Databases that are deleted at the end of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.connection import Connection
from domain.names import Names
from domain.provisioning import Holding, Order, Tenant
from ports.driven.database_provider import DatabaseProvider
from tests.support.provision_requests import new_order


@asynccontextmanager
async def vended(provider: DatabaseProvider, order: Order) -> AsyncIterator[Connection]:
    """Provision the database, and delete it at the end in any case."""
    try:
        yield await provider.provision(order)
    finally:
        await provider.delete(order.tenant)


def holding_of(order: Order) -> Holding:
    """Return the inventory's item for a provisioned request."""
    names = order.tenant.names
    return Holding(id=order.tenant.id, database=names.database, owner=names.owner)


async def held(provider: DatabaseProvider, order: Order) -> list[Holding]:
    """Return the items of the inventory for this request."""
    return [found for found in await provider.inventory() if found.id == order.tenant.id]


def namesake(order: Order, names: Names | None = None) -> Order:
    """Return a request with another id for the same names, or for the given ones."""
    other = new_order()
    tenant = Tenant(id=other.tenant.id, names=names or order.tenant.names)
    return Order(tenant=tenant, password=other.password)
