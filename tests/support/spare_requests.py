"""Spares, and their claims."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from domain.names import PgNames
from domain.provisioning import ProvisionRequest, Tenant
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from tests.support.databases import find_in_inventory
from tests.support.provision_requests import new_provision_request


def new_spare_request() -> ProvisionRequest:
    """Return a request for a spare with a new id."""
    request = new_provision_request()
    names = PgNames.from_id(request.tenant.id)
    return replace(request, tenant=replace(request.tenant, names=names, is_spare=True))


async def fill_spare(
    provider: DatabaseProvider, login_check: LoginCheck, spare: ProvisionRequest
) -> None:
    """Provision the spare, verify its login and close it."""
    await login_check.verify(await provider.provision(spare))
    await provider.suspend(spare.tenant)


@asynccontextmanager
async def filled_spare(
    provider: DatabaseProvider, login_check: LoginCheck
) -> AsyncIterator[ProvisionRequest]:
    """Fill a new spare. At the end, delete it, or the database that it became, under any names."""
    spare = new_spare_request()
    try:
        await fill_spare(provider, login_check, spare)
        yield spare
    finally:
        for item in await find_in_inventory(provider, spare):
            names = PgNames(database=item.database or "", owner=item.owner or "")
            await provider.delete(claimed(spare.tenant, names))


def claimed(spare: Tenant, names: PgNames | None = None) -> Tenant:
    """Return the tenant that the spare becomes, with the same names unless others are given."""
    return replace(spare, names=names or spare.names, is_spare=False)


def claim_of(
    spare: ProvisionRequest, nickname: str | None = None, *, has_opaque_names: bool = False
) -> ProvisionRequest:
    """Return the request that claims the spare, with a unique nickname unless one is given."""
    names = new_provision_request(nickname).tenant.names
    names = spare.tenant.names if has_opaque_names else names
    return replace(spare, tenant=claimed(spare.tenant, names), claims=True)


def spare_of(claim: ProvisionRequest) -> ProvisionRequest:
    """Return the request for the spare that the request claims."""
    tenant = Tenant(id=claim.tenant.id, names=PgNames.from_id(claim.tenant.id), is_spare=True)
    return replace(claim, tenant=tenant, claims=False)
