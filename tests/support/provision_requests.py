"""Provision requests with unique ids and names."""

import os
from dataclasses import replace
from datetime import UTC, datetime

from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname
from domain.passwords import PasswordDeriver
from domain.provisioning import Order, Tenant
from domain.secrets import Secret

INSTALLATION = "testing"

deriver = PasswordDeriver(Secret("the secret of all tests, long enough"))


def unique_name(beginning: str = "Test") -> str:
    return f"{beginning} {os.urandom(5).hex()}"


def new_order(nickname: str | None = None) -> Order:
    """Return a request with a new id, and a unique nickname unless one is given."""
    tenant_id = new_id(datetime.now(UTC), os.urandom(RANDOM_BYTES))
    names = Nickname(nickname or unique_name()).names()
    tenant = Tenant(id=tenant_id, names=names)
    return Order(tenant=tenant, password=deriver(tenant_id, 0))


def rotated(order: Order, rotation: int = 1) -> Order:
    """Return the request with its next password."""
    return replace(order, password=deriver(order.tenant.id, rotation))
