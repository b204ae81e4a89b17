"""The threads of a registry in a file: what a call costs, and what it leaves."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection, event

from adapters.registry import sqlite
from adapters.registry.executor import Executor
from adapters.registry.registry import SqlRegistry
from adapters.registry.threads import ThreadedEngine
from domain.errors import NameTaken
from ports.driven.registry import Query
from tests.support.key_records import new_entry
from tests.support.records import new_record
from tests.support.registries import registry_file
from tests.support.servers import ram_folder
from tests.support.tasks import recorded_tasks

T = TypeVar("T")


class CountedEngine(ThreadedEngine):
    calls = 0

    async def run(self, work: Callable[[Connection], T]) -> T:
        self.calls += 1
        return await super().run(work)

    async def run_to_completion(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.calls += 1
        return await super().run_to_completion(work)


@pytest.fixture
async def engine() -> AsyncIterator[CountedEngine]:
    with ram_folder() as folder:
        file = registry_file(folder)
        await asyncio.to_thread(sqlite.prepare, file, sqlite.LOCK_TIMEOUT)
        counted = CountedEngine(sqlite.create_registry_engine(file, connections=1).engine, 1)
        yield counted
        await counted.dispose()


@pytest.fixture
def registry(engine: CountedEngine) -> SqlRegistry:
    return SqlRegistry(Executor(engine, engine))


async def test_each_call_changes_to_a_thread_once(
    registry: SqlRegistry, engine: CountedEngine
) -> None:
    new = new_record()
    record = await registry.add(new, quota=1, event=new_entry())
    record = await registry.update(record, quota=9, event=new_entry())
    await registry.get(record.id)
    await registry.search(Query())

    assert engine.calls == 4


async def test_a_change_starts_no_task_and_no_statement_of_sqlalchemy(
    registry: SqlRegistry, engine: CountedEngine
) -> None:
    executed = list[object]()
    event.listen(engine.engine, "before_cursor_execute", lambda *_: executed.append(_))
    with recorded_tasks() as begun:
        record = await registry.add(new_record(), event=new_entry())
        await registry.update(record, quota=9, event=new_entry())
        await registry.ping()

    assert executed == begun == []


async def test_a_transaction_that_fails_ends(registry: SqlRegistry, engine: CountedEngine) -> None:
    """Also when its second statement fails: here the event exists already."""
    entry = new_entry()
    record = await registry.add(new_record(), event=entry)

    with pytest.raises(NameTaken):
        await registry.update(record, event=entry)

    assert not await engine.run(lambda connection: _raw(connection).in_transaction)
    assert await registry.get(record.id) == record


async def test_closing_waits_for_a_call_that_was_cancelled(engine: CountedEngine) -> None:
    loop, begun, done = asyncio.get_running_loop(), asyncio.Event(), list[str]()

    def work(connection: Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        for _ in range(1000):
            connection.exec_driver_sql("SELECT 1").close()
        done.append("done")

    call = asyncio.create_task(engine.run(work))
    await begun.wait()
    call.cancel()
    await engine.dispose()

    assert call.cancelled()
    assert done == ["done"]


async def test_more_calls_than_threads_are_answered_in_turn(engine: CountedEngine) -> None:
    calls = [engine.run(lambda connection: _raw(connection).in_transaction) for _ in range(50)]
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()

    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert answers[1::2] == [False] * 25


def _raw(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
