"""Scenarios of drift: the provider differs from the records."""

from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.database import Database
from domain.errors import ProviderBusy
from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname
from domain.provisioning import Order, Tenant
from domain.reconciliation import SETTLED, Upkeep
from ports.use_cases.create_database import VendRequest
from ports.use_cases.reconcile import Finding
from tests.support.doubles import Fails
from tests.support.memory_service import Memory
from tests.support.provision_requests import deriver


def told(findings: list[Finding]) -> list[tuple[Upkeep, str]]:
    return [(finding.action, finding.outcome) for finding in findings]


async def vended(memory: Memory, nickname: str = "Sales", ttl: timedelta | None = None) -> Database:
    return (await memory.vend()(VendRequest(nickname=nickname, ttl=ttl))).database


async def deleted(memory: Memory, nickname: str = "Sales") -> None:
    """Request a deletion that is not finished yet."""
    await memory.deletion().request((await vended(memory, nickname)).id)


async def unrecorded(memory: Memory, nickname: str = "Lost", age: timedelta = SETTLED) -> Tenant:
    """Provision a database with our mark that another registry recorded."""
    database_id = new_id(memory.clock.now() - age, memory.randomness.entropy(RANDOM_BYTES))
    tenant = Tenant(database_id, Nickname(nickname).names())
    await memory.provider.provision(Order(tenant=tenant, password=deriver(database_id, 0)))
    return tenant


async def half_unrecorded(memory: Memory) -> None:
    memory.trouble = Fails({"amid provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await unrecorded(memory)


async def lost(memory: Memory, database: Database) -> None:
    """Drop the database on the server, an hour ago."""
    await memory.provider.delete(database.tenant)
    memory.clock.moment += SETTLED


async def half_lost(memory: Memory, database: Database) -> None:
    """Drop the database on the server, but not its role."""
    memory.trouble = Fails({"amid delete": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await lost(memory, database)
    memory.clock.moment += SETTLED


async def showing(*databases: Database) -> MemoryProvider:
    """Return a provider with only these databases: an older copy of the server."""
    provider = MemoryProvider()
    for database in databases:
        await provider.provision(database.order(deriver))
    return provider
