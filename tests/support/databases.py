"""Databases that are deleted at the end of their test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.connection import Connection
from domain.naming import Names
from domain.order import Holding, Order, Tenant
from ports.driven.database_provider import DatabaseProvider
from tests.support.orders import new_order


@asynccontextmanager
async def vended(provider: DatabaseProvider, order: Order) -> AsyncIterator[Connection]:
    """Provision a database, and delete it at the end in any case."""
    try:
        yield await provider.provision(order)
    finally:
        await provider.delete(order.tenant)


def holding_of(order: Order) -> Holding:
    """Return the inventory item of a provisioned database."""
    names = order.tenant.names
    return Holding(id=order.tenant.id, database=names.database, owner=names.owner)


async def held(provider: DatabaseProvider, order: Order) -> list[Holding]:
    """Return the inventory items of this request."""
    return [found for found in await provider.inventory() if found.id == order.tenant.id]


def namesake(order: Order, names: Names | None = None) -> Order:
    """Return a request with another id for the names of `order`, or for the given names."""
    other = new_order()
    tenant = Tenant(id=other.tenant.id, names=names or order.tenant.names)
    return Order(tenant=tenant, password=other.password)
