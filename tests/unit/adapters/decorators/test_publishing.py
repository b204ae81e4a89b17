"""Publication of stored records."""

from dataclasses import replace

import pytest

from adapters.decorators.publishing import PublishingRegistry
from adapters.memory.registry import MemoryRegistry
from domain.database import Database
from domain.errors import StaleRecord
from tests.support.records import new_record


async def test_each_stored_record_is_published_with_its_version() -> None:
    published: list[Database] = []
    registry = PublishingRegistry(MemoryRegistry(), published.append)

    added = await registry.add(new_record())
    updated = await registry.update(replace(added, labels={"a": "b"}))

    assert published == [added, updated]
    assert [record.version for record in published] == [1, 2]


async def test_a_refused_change_is_not_published() -> None:
    published: list[Database] = []
    registry = PublishingRegistry(MemoryRegistry(), published.append)
    added = await registry.add(new_record())

    with pytest.raises(StaleRecord):
        await registry.update(replace(added, version=7))

    assert published == [added]
