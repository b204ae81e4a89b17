"""Scenarios of drift between the records and the provider."""

from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.database import Database
from domain.errors import ProviderBusy
from domain.identity import RANDOM_BYTES, new_id
from domain.naming import Nickname
from domain.order import Order, Tenant
from domain.upkeep import SETTLED, Upkeep
from ports.driving.sweep import Finding
from ports.driving.vend import VendRequest
from tests.support.doubles import Fails
from tests.support.orders import deriver
from tests.support.vending import Memory


def told(findings: list[Finding]) -> list[tuple[Upkeep, str]]:
    return [(finding.action, finding.outcome) for finding in findings]


async def vended(memory: Memory, nickname: str = "Sales", ttl: timedelta | None = None) -> Database:
    return (await memory.vend()(VendRequest(nickname=nickname, ttl=ttl))).database


async def deleted(memory: Memory, nickname: str = "Sales") -> None:
    """Request the deletion of a new database, without completing it."""
    await memory.deletion().promise((await vended(memory, nickname)).id)


async def unrecorded(memory: Memory, nickname: str = "Lost", age: timedelta = SETTLED) -> Tenant:
    """Provision a database of pgvend without a record, as of another registry."""
    database_id = new_id(memory.clock.now() - age, memory.randomness.entropy(RANDOM_BYTES))
    tenant = Tenant(database_id, Nickname(nickname).names())
    await memory.provider.provision(Order(tenant=tenant, password=deriver(database_id, 0)))
    return tenant


async def half_unrecorded(memory: Memory) -> None:
    memory.trouble = Fails({"amid provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await unrecorded(memory)


async def lost(memory: Memory, database: Database) -> None:
    """Drop the database on the server, a while ago."""
    await memory.provider.delete(database.tenant)
    memory.clock.moment += SETTLED


async def half_lost(memory: Memory, database: Database) -> None:
    """Drop the database on the server, but not its role."""
    memory.trouble = Fails({"amid delete": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await lost(memory, database)
    memory.clock.moment += SETTLED


async def showing(*databases: Database) -> MemoryProvider:
    """Return a provider with only these databases, as of a stale list or an older copy."""
    provider = MemoryProvider()
    for database in databases:
        await provider.provision(database.order(deriver))
    return provider
