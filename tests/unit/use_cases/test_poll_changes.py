"""Polling the registry for the changes of other replicas."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from adapters.memory.registry import MemoryRegistry
from domain.callers import ANYONE
from domain.database import Database
from domain.errors import Unavailable
from ports.driven.registry import Changes, Query
from ports.use_cases.poll_changes import LONGEST_PERIOD, PAGE, PollChanges
from ports.use_cases.record_feed import RecordFeed
from ports.use_cases.watch_databases import Watch, WatchDatabases
from tests.support.clock import FakeClock
from tests.support.records import new_record


@dataclass
class CountingRegistry(MemoryRegistry):
    """Counts the records that are read, and fails on request."""

    read: int = 0
    unreadable: bool = False
    periods: list[datetime | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def search(self, query: Query) -> list[Database]:
        if self.unreadable:
            raise Unavailable
        found = await super().search(query)
        self.read += len(found)
        return found

    async def list_changes(self, since: datetime | None = None) -> Changes:
        self.periods.append(since)
        return await super().list_changes(since)


@pytest.fixture
def registry() -> CountingRegistry:
    return CountingRegistry()


@pytest.fixture
def feed() -> RecordFeed:
    return RecordFeed()


@pytest.fixture
def poll(registry: CountingRegistry, feed: RecordFeed) -> PollChanges:
    return PollChanges(registry=registry, feed=feed)


@pytest.fixture
async def watch(poll: PollChanges) -> AsyncIterator[Watch]:
    watch_databases = WatchDatabases(feed=poll.feed, poll=poll, clock=FakeClock())
    async with watch_databases(ANYONE) as watch:
        yield watch


async def take(watch: Watch) -> list[Database]:
    return [change.database for change in await watch.next_changes()]


async def test_changes_of_other_replicas_are_published_once(
    registry: CountingRegistry, poll: PollChanges, watch: Watch
) -> None:
    added = await registry.add(new_record())
    assert await poll()
    assert await take(watch) == [added]

    updated = await registry.update(replace(added, labels={"a": "b"}))
    for _ in range(3):
        await poll()
    assert await take(watch) == [updated]
    assert await take(watch) == []
    assert registry.read == 2, "only changed records are read"


async def test_changes_of_this_process_are_not_read(
    registry: CountingRegistry, feed: RecordFeed, poll: PollChanges, watch: Watch
) -> None:
    added = await registry.add(new_record())
    feed.publish(added)
    await poll()
    assert await take(watch) == [added]
    assert registry.read == 0


async def test_what_changed_before_the_watch_is_not_published(
    registry: CountingRegistry, poll: PollChanges
) -> None:
    await registry.add(new_record())
    async with WatchDatabases(feed=poll.feed, poll=poll, clock=FakeClock())() as watch:
        await poll()
        assert await take(watch) == []


async def test_more_than_a_page_of_changes_is_published(
    registry: CountingRegistry, poll: PollChanges, watch: Watch
) -> None:
    added = {(await registry.add(new_record())).id for _ in range(PAGE + 1)}
    await poll()
    assert {database.id for database in await take(watch)} == added


async def test_after_an_error_the_next_poll_covers_the_same_period(
    registry: CountingRegistry, poll: PollChanges, watch: Watch
) -> None:
    added = await registry.add(new_record())
    registry.unreadable = True
    with pytest.raises(Unavailable):
        await poll()
    registry.unreadable = False
    await poll()
    assert await take(watch) == [added]
    assert registry.periods[-1] == registry.periods[-2]


async def test_unreadable_records_do_not_keep_a_period_open_for_ever(
    registry: CountingRegistry, poll: PollChanges, watch: Watch
) -> None:
    await registry.add(new_record())
    registry.unreadable = True
    assert poll._since
    poll._since -= LONGEST_PERIOD * 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await poll()
    assert registry.periods[-1]
    assert registry.periods[-2]
    assert registry.periods[-1] - registry.periods[-2] >= LONGEST_PERIOD


async def test_without_a_watch_nothing_is_polled_and_the_next_one_begins_a_new_period(
    registry: CountingRegistry, poll: PollChanges
) -> None:
    watch_databases = WatchDatabases(feed=poll.feed, poll=poll, clock=FakeClock())
    async with watch_databases():
        assert await poll()
    asked = len(registry.periods)
    assert not await poll()
    assert len(registry.periods) == asked
    await registry.add(new_record())
    async with watch_databases() as watch:
        assert registry.periods[-1] is None
        assert await poll()
        assert await take(watch) == []


async def test_watches_share_one_poll(registry: CountingRegistry, poll: PollChanges) -> None:
    watch_databases = WatchDatabases(feed=poll.feed, poll=poll, clock=FakeClock())
    async with watch_databases() as one, watch_databases() as other:
        added = await registry.add(new_record())
        await poll()
        assert await take(one) == await take(other) == [added]
    assert (len(registry.periods), registry.read) == (2, 1)


async def test_the_feed_forgets_records_that_changed_long_ago(feed: RecordFeed) -> None:
    records = [replace(new_record(), version=1) for _ in range(3)]
    with feed.subscribe(ANYONE):
        for record in records:
            feed.publish(record)
        feed.mark_known({})  # they were published since the last poll
        assert feed.list_unknown({record.id: 1 for record in records}) == []
        feed.mark_known({records[0].id: 1})
        assert feed.list_unknown({record.id: 1 for record in records}) == [
            record.id for record in records[1:]
        ]


async def test_without_the_registry_a_watch_does_not_begin(poll: PollChanges) -> None:
    class Unreachable(MemoryRegistry):
        async def list_changes(self, since: datetime | None = None) -> Changes:
            raise Unavailable

    poll.registry = Unreachable()
    with pytest.raises(Unavailable):
        async with WatchDatabases(feed=poll.feed, poll=poll, clock=FakeClock())():
            pass
    assert not poll.feed.is_in_use
