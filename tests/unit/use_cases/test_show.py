"""One database's record."""

import pytest

from adapters.memory.registry import MemoryRegistry
from domain.errors import DatabaseNotFound
from ports.driving.show import ShowDatabase
from tests.support.records import new_record


async def test_the_record_is_shown_as_it_was_kept() -> None:
    registry = MemoryRegistry()
    kept = await registry.add(new_record())

    assert await ShowDatabase(registry=registry)(kept.id) == kept


@pytest.mark.parametrize("database_id", ["db_unknown", "", "\0", "\ud800", "x" * 10_000])
async def test_an_unknown_id_is_not_found(database_id: str) -> None:
    with pytest.raises(DatabaseNotFound):
        await ShowDatabase(registry=MemoryRegistry())(database_id)
