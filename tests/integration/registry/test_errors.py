"""What the drivers say, in our words: what was in the way, and nothing that was asked."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.registry.errors import translated
from adapters.registry.migrating import migrate
from adapters.registry.registry import SqlRegistry
from adapters.registry.rows import row_of
from adapters.registry.schema import DATABASES
from adapters.registry.store import Store
from domain.database import Database
from domain.errors import NameTaken, RequestKnown, Unavailable
from ports.driven.registry import Query
from tests.support.records import new_record
from tests.support.registries import MARK


@pytest.fixture
async def migrated(engine: AsyncEngine) -> AsyncEngine:
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    return engine


async def test_a_known_request_is_told_from_a_taken_name(migrated: AsyncEngine) -> None:
    """By the database's own words: what was in the way may be gone when we look."""
    await _insert(migrated, replace(new_record("request_key"), request=MARK))

    with pytest.raises(RequestKnown):
        await _insert(migrated, replace(new_record(), request=MARK))
    with pytest.raises(NameTaken):
        await _insert(migrated, new_record("request_key"))


async def test_what_was_asked_is_in_no_error(migrated: AsyncEngine) -> None:
    registry = SqlRegistry(Store(migrated, migrated))
    kept = await registry.add(new_record("Secret Project"))
    with pytest.raises(NameTaken) as taken:
        await registry.add(new_record("Secret Project"))
    async with migrated.begin() as connection:
        await connection.execute(text("DROP TABLE databases"))
    with pytest.raises(Unavailable) as unwritten:
        await registry.update(kept)
    with pytest.raises(Unavailable) as unread:
        await registry.search(Query(labels={"team": "secret"}))

    for error in (taken.value, unwritten.value, unread.value):
        told = " ".join(_shown(error))
        assert not any(word in told for word in ("INSERT", "UPDATE", "SELECT", "Secret", "team"))


async def _insert(engine: AsyncEngine, database: Database) -> None:
    with translated():
        async with engine.begin() as connection:
            await connection.execute(insert(DATABASES).values(row_of(database)))


def _shown(error: BaseException | None) -> list[str]:
    """What a traceback would show."""
    if error is None:
        return []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [repr(error), str(error), *_shown(cause)]
