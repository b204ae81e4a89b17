"""Provision requests with unique ids and names."""

import os
from dataclasses import replace
from datetime import UTC, datetime

from domain.errors import StaleRecord
from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname, PgNames
from domain.passwords import PasswordDeriver
from domain.provisioning import ProvisionRequest, Tenant
from domain.secrets import Secret

INSTALLATION = "testing"

deriver = PasswordDeriver(Secret("the secret of all tests, long enough"))


def unique_name(beginning: str = "Test") -> str:
    return f"{beginning} {os.urandom(5).hex()}"


def new_provision_request(nickname: str | None = None) -> ProvisionRequest:
    """Return a request with a new id, and a unique nickname unless one is given."""
    tenant_id = new_id(datetime.now(UTC), os.urandom(RANDOM_BYTES))
    names = Nickname(nickname or unique_name()).derive_names()
    tenant = Tenant(id=tenant_id, names=names)
    return ProvisionRequest(tenant=tenant, password=deriver(tenant_id, 0))


def opaque_request() -> ProvisionRequest:
    """Return a request for a database with an opaque name."""
    request = new_provision_request()
    names = PgNames.from_id(request.tenant.id)
    return replace(request, tenant=replace(request.tenant, names=names))


def with_next_password(provision_request: ProvisionRequest, rotation: int = 1) -> ProvisionRequest:
    """Return the request with its next password."""
    return replace(provision_request, password=deriver(provision_request.tenant.id, rotation))


def with_extensions(provision_request: ProvisionRequest, *names: str) -> ProvisionRequest:
    return replace(provision_request, extensions=names)


async def refuse() -> None:
    """Confirm nothing, as if another process had superseded the call."""
    raise StaleRecord
