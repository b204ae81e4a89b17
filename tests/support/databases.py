"""Databases that are deleted at the end of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.connection import Connection
from domain.names import PgNames
from domain.provisioning import InventoryItem, ProvisionRequest, Tenant
from ports.driven.database_provider import DatabaseProvider
from tests.support.provision_requests import new_provision_request


@asynccontextmanager
async def provisioned_database(
    provider: DatabaseProvider, provision_request: ProvisionRequest
) -> AsyncIterator[Connection]:
    """Provision the database, and delete it at the end in any case."""
    try:
        yield await provider.provision(provision_request)
    finally:
        await provider.delete(provision_request.tenant)


def expected_item(provision_request: ProvisionRequest) -> InventoryItem:
    """Return the inventory's item for a provisioned request."""
    names = provision_request.tenant.names
    return InventoryItem(id=provision_request.tenant.id, database=names.database, owner=names.owner)


async def find_in_inventory(
    provider: DatabaseProvider, provision_request: ProvisionRequest
) -> list[InventoryItem]:
    """Return the items of the inventory for this request."""
    return [
        found for found in await provider.inventory() if found.id == provision_request.tenant.id
    ]


def request_for_same_names(
    provision_request: ProvisionRequest, names: PgNames | None = None
) -> ProvisionRequest:
    """Return a request with another id for the same names, or for the given ones."""
    other = new_provision_request()
    tenant = Tenant(id=other.tenant.id, names=names or provision_request.tenant.names)
    return ProvisionRequest(tenant=tenant, password=other.password)
