"""The use cases over memory, and databases of them."""

import pytest

from ports.use_cases.provisioned_database import Vended
from tests.support.memory_service import GRACE, HOUR, Memory


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def sales(memory: Memory) -> Vended:
    """A ready database without an expiry."""
    return await memory.create()


@pytest.fixture
async def hourly(memory: Memory) -> Vended:
    """A ready database that expires in an hour."""
    return await memory.create(ttl=HOUR)


@pytest.fixture
async def expired(memory: Memory, hourly: Vended) -> Vended:
    """The same database, expired and suspended."""
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(hourly.database.id)
    return hourly
