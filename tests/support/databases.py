"""Databases that go away with the test that ordered them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.connection import Connection
from domain.naming import Names
from domain.order import Holding, Order, Tenant
from ports.driven.database_provider import DatabaseProvider
from tests.support.orders import new_order


@asynccontextmanager
async def vended(provider: DatabaseProvider, order: Order) -> AsyncIterator[Connection]:
    """What `provider` makes of `order`, deleted at the end whatever happened in between."""
    try:
        yield await provider.provision(order)
    finally:
        await provider.delete(order.tenant)


def holding_of(order: Order) -> Holding:
    """What an inventory says of an order that was filled."""
    names = order.tenant.names
    return Holding(id=order.tenant.id, database=names.database, owner=names.owner)


async def held(provider: DatabaseProvider, order: Order) -> list[Holding]:
    """The part of the inventory that is about this order."""
    return [found for found in await provider.inventory() if found.id == order.tenant.id]


def namesake(order: Order, names: Names | None = None) -> Order:
    """An order under an id of its own for the names of `order`, or for the names given."""
    other = new_order()
    tenant = Tenant(id=other.tenant.id, names=names or order.tenant.names)
    return Order(tenant=tenant, password=other.password)
