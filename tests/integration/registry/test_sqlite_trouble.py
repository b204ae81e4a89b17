"""What happens to a registry in a file while it is used: locked, full, closed under it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.registry import sqlite
from adapters.registry.opening import opened_sqlite
from adapters.registry.registry import SqlRegistry
from adapters.registry.store import Store
from domain.errors import DatabaseNotFound, Unavailable
from domain.states import State
from ports.driven.registry import Query
from tests.support.records import new_record
from tests.support.registries import registry_file
from tests.support.servers import ram_folder

NO_PATIENCE = 0.05


async def test_a_locked_file_takes_no_change_and_recovers() -> None:
    with ram_folder() as folder:
        file = registry_file(folder)
        async with opened_sqlite(file, NO_PATIENCE) as opened:
            kept, new = await opened.registry.add(new_record()), new_record()
            other = sqlite3.connect(file, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(Unavailable, match="locked by another program"):
                await opened.registry.add(new)
            with pytest.raises(Unavailable):
                await opened.registry.update(kept.moved(State.READY))
            with pytest.raises(Unavailable):
                await opened.registry.ping()
            assert await opened.registry.search(Query()) == [kept]

            other.execute("ROLLBACK")
            other.close()
            assert (await opened.registry.add(new)).id == new.id


async def test_a_file_that_is_locked_for_a_moment_is_waited_for() -> None:
    with ram_folder() as folder:
        async with opened_sqlite(registry_file(folder)) as opened:
            other = sqlite3.connect(registry_file(folder), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            adding = asyncio.create_task(opened.registry.add(new_record()))

            # the loop is not blocked meanwhile: reads are answered
            assert await opened.registry.search(Query()) == []
            other.execute("ROLLBACK")
            other.close()

            assert (await adding).version == 1


async def test_a_full_disk_keeps_nothing_half_and_recovers() -> None:
    async with _of_limited_size() as (registry, set_limit):
        kept = await registry.add(new_record())
        await set_limit(1)  # no less than it has
        added = await _added_until_full(registry)
        refused = new_record()

        with pytest.raises(Unavailable, match="disk is full"):
            await registry.add(refused)
        with pytest.raises(DatabaseNotFound):
            await registry.get(refused.id)
        assert (await registry.get(kept.id)) == kept
        assert len(await registry.search(Query(limit=10_000))) == added + 1

        await set_limit(1_000_000)
        assert (await registry.add(refused)).id == refused.id


async def test_a_full_disk_lets_an_update_be_made_whole_later() -> None:
    async with _of_limited_size() as (registry, set_limit):
        kept = await registry.add(new_record())
        await set_limit(1)
        await _added_until_full(registry)
        labels = {f"label{number}": "x" * 63 for number in range(1000)}
        changed = replace(kept.moved(State.READY), labels=labels)

        with pytest.raises(Unavailable):
            await registry.update(changed)
        assert await registry.get(kept.id) == kept

        await set_limit(1_000_000)
        assert (await registry.update(changed)).state is State.READY


@asynccontextmanager
async def _of_limited_size() -> AsyncIterator[tuple[SqlRegistry, Callable[[int], Awaitable[None]]]]:
    """A registry, and what sets the pages that its file may have: SQLite then says what it says
    when the disk is full."""
    with ram_folder() as folder:
        file = registry_file(folder)
        async with opened_sqlite(file):
            pass
        reading, writing = (sqlite.engine_of(file, connections=1) for _ in range(2))

        async def set_limit(pages: int) -> None:
            async with writing.connect() as connection:
                await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        try:
            yield SqlRegistry(Store(reading, writing)), set_limit
        finally:
            await reading.dispose()
            await writing.dispose()


async def _added_until_full(registry: SqlRegistry) -> int:
    for number in range(10_000):
        try:
            await registry.add(new_record())
        except Unavailable:
            return number
    raise AssertionError("it never was full")
