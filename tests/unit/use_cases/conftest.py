"""A service over memory, and a database of it."""

import pytest

from ports.driving.vended import Vended
from tests.support.vending import GRACE, HOUR, Memory


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def sales(memory: Memory) -> Vended:
    """A ready database without an end."""
    return await memory.create()


@pytest.fixture
async def hourly(memory: Memory) -> Vended:
    """A ready database that ends in an hour."""
    return await memory.create(ttl=HOUR)


@pytest.fixture
async def expired(memory: Memory, hourly: Vended) -> Vended:
    """The same, at its end, which has been seen to."""
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(hourly.database.id)
    return hourly
