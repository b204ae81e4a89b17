"""Scenarios of drift: the provider differs from the records."""

from datetime import timedelta

import pytest

from adapters.memory.provider import MemoryProvider
from domain.database import Database
from domain.errors import ProviderBusy
from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname
from domain.provisioning import ProvisionRequest, Tenant
from domain.reconciliation import SETTLING_TIME, ReconcileAction
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.reconcile import ReconcileResult
from tests.support.doubles import FailAt
from tests.support.memory_service import MemoryService
from tests.support.provision_requests import deriver


def summarize(results: list[ReconcileResult]) -> list[tuple[ReconcileAction, str]]:
    return [(result.action, result.outcome) for result in results]


async def create_database(
    memory: MemoryService, nickname: str = "Sales", ttl: timedelta | None = None
) -> Database:
    return (await memory.create_database()(CreateRequest(nickname=nickname, ttl=ttl))).database


async def request_deletion(memory: MemoryService, nickname: str = "Sales") -> None:
    """Request a deletion that is not finished yet."""
    await memory.deletion().request((await create_database(memory, nickname)).id)


async def provision_unrecorded(
    memory: MemoryService, nickname: str = "Lost", age: timedelta = SETTLING_TIME
) -> Tenant:
    """Provision a database with our mark that another registry recorded."""
    database_id = new_id(memory.clock.now() - age, memory.randomness.entropy(RANDOM_BYTES))
    tenant = Tenant(database_id, Nickname(nickname).derive_names())
    await memory.provider.provision(
        ProvisionRequest(tenant=tenant, password=deriver(database_id, 0))
    )
    return tenant


async def provision_half_unrecorded(memory: MemoryService) -> None:
    memory.fault_hook = FailAt({"during provision": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await provision_unrecorded(memory)


async def drop_on_server(memory: MemoryService, database: Database) -> None:
    """Drop the database on the server, an hour ago."""
    await memory.provider.delete(database.tenant)
    memory.clock.moment += SETTLING_TIME


async def drop_half_on_server(memory: MemoryService, database: Database) -> None:
    """Drop the database on the server, but not its role."""
    memory.fault_hook = FailAt({"during delete": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await drop_on_server(memory, database)
    memory.clock.moment += SETTLING_TIME


async def provider_with(*databases: Database) -> MemoryProvider:
    """Return a provider with only these databases: an older copy of the server."""
    provider = MemoryProvider()
    for database in databases:
        await provider.provision(database.to_provision_request(deriver))
    return provider
