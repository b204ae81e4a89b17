"""A registry in a file that is locked or full."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.registry import sqlite
from adapters.registry.executor import Executor
from adapters.registry.registry import SqlRegistry
from adapters.registry.stores import open_sqlite_stores
from adapters.system.leases import InProcessLeases
from domain.errors import DatabaseNotFound, Unavailable
from domain.lifecycle import State
from ports.driven.registry import Query
from tests.support.records import new_record
from tests.support.registries import registry_file
from tests.support.servers import ram_folder

SHORT_LOCK_TIMEOUT = 0.05


async def test_a_locked_file_refuses_changes_and_recovers() -> None:
    with ram_folder() as folder:
        file = registry_file(folder)
        async with open_sqlite_stores(file, InProcessLeases(), SHORT_LOCK_TIMEOUT) as stores:
            kept, new = await stores.registry.add(new_record()), new_record()
            other = sqlite3.connect(file, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(Unavailable, match="locked by another program"):
                await stores.registry.add(new)
            with pytest.raises(Unavailable):
                await stores.registry.update(kept.transition_to(State.READY))
            with pytest.raises(Unavailable):
                await stores.registry.ping()
            assert await stores.registry.search(Query()) == [kept]

            other.execute("ROLLBACK")
            other.close()
            assert (await stores.registry.add(new)).id == new.id


async def test_a_change_waits_for_a_file_that_is_locked_for_a_moment() -> None:
    with ram_folder() as folder:
        async with open_sqlite_stores(registry_file(folder), InProcessLeases()) as stores:
            other = sqlite3.connect(registry_file(folder), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            adding = asyncio.create_task(stores.registry.add(new_record()))

            # the event loop is not blocked: reads are answered
            assert await stores.registry.search(Query()) == []
            other.execute("ROLLBACK")
            other.close()

            assert (await adding).version == 1


async def test_a_full_disk_stores_nothing_incomplete_and_recovers() -> None:
    async with _registry_of_limited_size() as (registry, set_limit):
        kept = await registry.add(new_record())
        await set_limit(1)  # no less than the file has
        added = await _add_until_full(registry)
        refused = new_record()
        labels = {f"label{number}": "x" * 63 for number in range(1000)}
        changed = replace(kept.transition_to(State.READY), labels=labels)

        with pytest.raises(Unavailable, match="disk is full"):
            await registry.add(refused)
        with pytest.raises(Unavailable):
            await registry.update(changed)
        with pytest.raises(DatabaseNotFound):
            await registry.get(refused.id)
        assert await registry.get(kept.id) == kept
        assert len(await registry.search(Query(limit=10_000))) == added + 1

        await set_limit(1_000_000)
        assert (await registry.add(refused)).id == refused.id
        assert (await registry.update(changed)).state is State.READY


@asynccontextmanager
async def _registry_of_limited_size() -> AsyncIterator[
    tuple[SqlRegistry, Callable[[int], Awaitable[None]]]
]:
    """Open a registry, and yield it with a function that limits the pages of its file: SQLite then
    raises the error of a full disk."""
    with ram_folder() as folder:
        file = registry_file(folder)
        async with open_sqlite_stores(file, InProcessLeases()):
            pass
        reading, writing = (sqlite.create_registry_engine(file, connections=1) for _ in range(2))

        async def set_limit(pages: int) -> None:
            limit = f"PRAGMA max_page_count = {pages}"
            await writing.run(lambda connection: connection.exec_driver_sql(limit).close())

        try:
            yield SqlRegistry(Executor(reading, writing)), set_limit
        finally:
            await reading.dispose()
            await writing.dispose()


async def _add_until_full(registry: SqlRegistry) -> int:
    for number in range(10_000):
        try:
            await registry.add(new_record())
        except Unavailable:
            return number
    raise AssertionError("the file was never full")
