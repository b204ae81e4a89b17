"""Requests that reuse a database which is still being created, without waiting for it."""

from dataclasses import replace

import pytest

from domain.errors import OtherSource, OtherTarget
from tests.support.memory_service import MemoryService
from tests.support.reuse import PR


async def test_a_requested_database_is_not_returned_as_a_copy_of_something_else(
    memory: MemoryService,
) -> None:
    requested = await memory.reuse_database().request(PR)
    with pytest.raises(OtherSource):
        await memory.reuse_database().request(replace(PR, source="Shop"))
    assert await memory.records() == [requested]


async def test_a_requested_database_on_another_target_is_not_returned(
    memory: MemoryService,
) -> None:
    await memory.reuse_database().request(PR)
    with pytest.raises(OtherTarget):
        await memory.elsewhere().reuse_database().request(PR)
