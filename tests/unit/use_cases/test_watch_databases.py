"""Watching the records of all databases of a caller."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.registry import MemoryRegistry
from domain.callers import ANYONE, Caller, Scope
from domain.database import TEMPLATE_SHAPE, Database
from domain.errors import Unavailable
from ports.use_cases.poll_changes import PollChanges
from ports.use_cases.record_feed import MAX_PENDING, RecordFeed
from ports.use_cases.watch_databases import INTERVAL, Watch, WatchDatabases
from tests.support.clock import FakeClock
from tests.support.records import new_record

ANN = Caller(name="ann", scopes=frozenset({Scope.READ}))


@pytest.fixture
def feed() -> RecordFeed:
    return RecordFeed()


def stored_record(**more: Any) -> Database:
    return replace(new_record(), version=1, **more)


def create_poll(feed: RecordFeed) -> PollChanges:
    return PollChanges(registry=MemoryRegistry(), feed=feed)


def create_watch(feed: RecordFeed) -> WatchDatabases:
    return WatchDatabases(feed=feed, poll=create_poll(feed), clock=FakeClock())


async def read(watch: Watch) -> list[Database]:
    return [change.database for change in await watch.next_changes()]


async def test_changes_come_in_order_and_once(feed: RecordFeed) -> None:
    one, two = stored_record(), stored_record()
    feed.publish(stored_record())  # before the watch
    async with create_watch(feed)() as watch:
        feed.publish(one)
        feed.publish(two)
        assert await read(watch) == [one, two]
        assert await read(watch) == []


async def test_versions_are_forgotten_when_the_last_watch_ends(feed: RecordFeed) -> None:
    record = stored_record()
    versions = {record.id: record.version}
    async with create_watch(feed)():
        async with create_watch(feed)():
            feed.publish(record)
        assert feed.list_unknown(versions) == []
    assert feed.list_unknown(versions) == [record.id]


async def test_a_change_ends_the_wait_for_it(feed: RecordFeed) -> None:
    class FrozenClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    async with WatchDatabases(feed=feed, poll=create_poll(feed), clock=FrozenClock())() as watch:
        reading = asyncio.create_task(read(watch))
        await asyncio.sleep(0)
        record = stored_record()
        feed.publish(record)
        assert await reading == [record]


async def test_without_a_change_the_wait_ends_after_the_interval(feed: RecordFeed) -> None:
    watch_databases = create_watch(feed)
    async with watch_databases() as watch:
        assert await read(watch) == []
    assert watch_databases.clock.elapsed() == INTERVAL


async def test_a_database_that_changed_repeatedly_comes_once_with_its_newest_record(
    feed: RecordFeed,
) -> None:
    first, other = stored_record(), stored_record()
    newest = replace(first, version=2)
    async with create_watch(feed)() as watch:
        for record in (first, other, newest):
            feed.publish(record)
        assert await read(watch) == [other, newest]


async def test_callers_get_the_changes_of_their_own_databases(feed: RecordFeed) -> None:
    anns, bobs = (stored_record(caller=name) for name in ("ann", "bob"))
    async with create_watch(feed)(ANN) as mine, create_watch(feed)(ANYONE) as everybodys:
        feed.publish(anns)
        feed.publish(bobs)
        assert await read(mine) == [anns]
        assert await read(everybodys) == [anns, bobs]


@pytest.mark.parametrize("shape", ["the digest of a spare", TEMPLATE_SHAPE])
async def test_spares_and_templates_are_left_out(feed: RecordFeed, shape: str) -> None:
    async with create_watch(feed)() as watch:
        feed.publish(stored_record(shape=shape))
        assert await read(watch) == []


async def test_a_slow_reader_ends_with_bounded_memory_and_the_others_go_on(
    feed: RecordFeed,
) -> None:
    async with create_watch(feed)() as slow, create_watch(feed)() as fast:
        received = 0
        for number in range(MAX_PENDING * 2):
            feed.publish(stored_record(id=f"db_{number}"))
            received += len(await read(fast))
        with pytest.raises(Unavailable, match="too slow"):
            await read(slow)
        assert len(slow.subscription._pending) == MAX_PENDING + 1
    assert received == MAX_PENDING * 2


async def test_a_watch_that_was_closed_gets_nothing(feed: RecordFeed) -> None:
    async with create_watch(feed)() as watch:
        pass
    feed.publish(stored_record())
    assert await read(watch) == []


async def test_each_version_comes_once_and_no_older_one(feed: RecordFeed) -> None:
    record = stored_record()
    newer = replace(record, version=2)
    async with create_watch(feed)() as watch:
        feed.publish(newer)
        assert await read(watch) == [newer]
        feed.publish(record)
        feed.publish(newer)
        assert await read(watch) == []
