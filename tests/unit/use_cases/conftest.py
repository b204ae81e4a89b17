"""A service over memory, and a database of it."""

import pytest

from ports.driving.vended import Vended
from tests.support.vending import HOUR, Memory


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
