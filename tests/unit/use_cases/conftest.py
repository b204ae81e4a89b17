"""The use cases over memory, and databases of them."""

import pytest

from domain.webhooks import Webhook
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.announcing import Announcer
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.reuse import reuse
from tests.support.spares import create_pooled
from tests.support.templates import ALICE


@pytest.fixture
def memory() -> MemoryService:
    return MemoryService()


@pytest.fixture
async def sales(memory: MemoryService) -> ProvisionedDatabase:
    """A ready database without an expiry."""
    return await memory.create()


@pytest.fixture
async def hourly(memory: MemoryService) -> ProvisionedDatabase:
    """A ready database that expires in an hour."""
    return await memory.create(ttl=HOUR)


@pytest.fixture
async def expired(memory: MemoryService, hourly: ProvisionedDatabase) -> ProvisionedDatabase:
    """The same database, expired and suspended."""
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(hourly.database.id)
    return hourly


@pytest.fixture
async def pooled() -> MemoryService:
    """A service with three spares."""
    return await create_pooled()


@pytest.fixture
async def shop(memory: MemoryService) -> ProvisionedDatabase:
    """A database of Alice, with contents and an extension."""
    shop = await memory.create("Shop", caller=ALICE, extensions=("citext",))
    memory.provider.contents.write(shop.database.id, "apples")
    return shop


@pytest.fixture
async def first(memory: MemoryService) -> ProvisionedDatabase:
    """A database of a request that reuses databases."""
    return await reuse(memory)


@pytest.fixture
def service() -> Announcer:
    return Announcer()


@pytest.fixture
async def webhook(service: Announcer) -> Webhook:
    return await service.add_webhook()
