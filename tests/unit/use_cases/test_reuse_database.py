"""Requests that reuse the caller's database of the same nickname."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from domain.database import Database
from domain.errors import (
    InFlight,
    InvalidDuration,
)
from domain.expiry import ExpiryPolicy
from domain.lifecycle import Operation, State
from domain.names import Nickname
from domain.reconciliation import SETTLING_TIME
from ports.driven.registry import Registry
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import settle
from tests.support.doubles import HoldAt, WrappedRegistry
from tests.support.memory_faults import KillAt, Killed, create_faulty_process
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN, create_caller
from tests.support.polling import wait_without_delay
from tests.support.reuse import PR, list_live, reuse
from tests.support.spares import create_pooled

T = TypeVar("T")


@dataclass
class ChangedAfterReading(WrappedRegistry):
    """Another process stores `change` before the first update."""

    inner: Registry
    change: Database | None

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        return await call()

    async def update(self, database: Database, *more: Any, **named: Any) -> Database:
        if self.change:
            await self.inner.update(self.change)
            self.change = None
        return await super().update(database, *more, **named)


async def test_the_second_request_gets_the_same_database_and_password(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    second = await reuse(memory.replica())

    assert (first.is_new, second.is_new) == (True, False)
    assert second.database.id == first.database.id
    assert second.connection == first.connection
    assert memory.accepts_login(second.database)
    assert await memory.records() == [second.database]


async def test_a_database_that_was_created_in_another_way_is_reused(memory: MemoryService) -> None:
    created = await memory.create("pr 7", caller=ANN, key="once")
    assert (await reuse(memory)).connection == created.connection


async def test_the_lifetime_starts_again_and_the_labels_are_replaced(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    memory.clock.moment += HOUR / 2
    now = memory.clock.now()

    again = (await reuse(memory, labels={"run": "2"})).database
    assert (again.expires_at, again.wake_at, again.labels) == (now + HOUR, now + HOUR, {"run": "2"})

    lasting = (await reuse(memory, ttl=None)).database
    assert (lasting.expires_at, lasting.wake_at, lasting.labels) == (None, None, {})
    assert await memory.only_record() == lasting


async def test_the_lifetime_is_limited_like_that_of_a_new_database(memory: MemoryService) -> None:
    memory.expiry = ExpiryPolicy(max_ttl=HOUR)
    brief = create_caller("ann", max_ttl=HOUR / 2)
    first = await reuse(memory, ttl=None, caller=brief)
    memory.clock.moment += HOUR / 4

    again = await reuse(memory, ttl=None, caller=brief)

    assert again.database.id == first.database.id
    assert again.database.expires_at == memory.clock.now() + HOUR / 2
    for ttl in (2 * HOUR, HOUR):
        with pytest.raises(InvalidDuration):
            await reuse(memory, ttl=ttl, caller=brief)
    assert await memory.only_record() == again.database


async def test_extensions_that_are_missing_are_added(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    for wanted, expected in [
        (("citext", "hstore"), ("citext", "hstore")),
        (("hstore", "vector", "vector"), ("citext", "hstore", "vector")),
        ((), ("citext", "hstore", "vector")),
    ]:
        database = (await reuse(memory, extensions=wanted)).database
        assert (database.id, database.extensions) == (first.database.id, expected)
        assert memory.provider.list_installed(database.tenant) >= set(expected)


async def test_an_expired_database_is_restored_with_its_contents_and_password(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    memory.provider.contents.write(first.database.id, "apples")
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(first.database.id)
    assert not memory.accepts_login(first.database)

    again = await reuse(memory, labels={"run": "2"}, extensions=("citext",))

    assert (again.database.id, again.is_new) == (first.database.id, False)
    assert again.connection == first.connection
    assert memory.accepts_login(again.database)
    assert memory.provider.contents.read(again.database.id) == ("apples",)
    assert again.database.expires_at == memory.clock.now() + HOUR
    assert again.database.labels == {"run": "2"}


async def test_a_database_that_is_past_its_expiry_but_not_closed_yet_is_kept_open(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    memory.clock.moment += 2 * HOUR

    again = await reuse(memory, extensions=("citext",))

    assert again.connection == first.connection
    assert not await memory.expire(GRACE).finish(again.database.id)
    assert again.database.expires_at == memory.clock.now() + HOUR
    assert not again.database.is_pending(Operation.SUSPEND)


async def test_after_a_deletion_the_nickname_gets_a_new_database(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    await memory.deletion().request(first.database.id)
    second = await reuse(memory)  # while the deletion is pending
    assert await memory.deletion().finish(first.database.id)
    assert (await reuse(memory)).database.id == second.database.id

    await memory.delete(second.database.id)
    third = await reuse(memory)

    assert len({first.database.id, second.database.id, third.database.id}) == 3
    assert (second.is_new, third.is_new) == (True, True)
    assert await list_live(memory) == [third.database]


async def test_after_a_failure_the_nickname_gets_a_new_database(memory: MemoryService) -> None:
    await memory.interrupt("before provision", reuse(memory))

    again = await reuse(memory)

    assert again.is_new
    assert {record.state for record in await memory.records()} == {State.FAILED, State.READY}


async def test_concurrent_requests_of_two_replicas_create_one_database() -> None:
    memory = await create_pooled()
    for nickname in ("pr 1", "pr 2"):  # the first from spares, as long as there are any
        answers = await asyncio.gather(
            *(reuse(replica, nickname=nickname) for replica in (memory, memory.replica()) * 5)
        )
        assert len({answer.database.id for answer in answers}) == 1
        assert [answer.is_new for answer in answers].count(True) == 1
        assert len({answer.connection for answer in answers}) == 1
    assert len({record.nickname for record in await memory.records() if not record.shape}) == 2
    assert len([record for record in await memory.records() if not record.shape]) == 2


async def test_a_request_waits_for_the_creation_of_another_process(memory: MemoryService) -> None:
    hold, creation = await memory.hold("during provision", reuse(memory))
    waiting = asyncio.create_task(reuse(memory.replica(), labels={"run": "2"}))
    await wait_without_delay(lambda: bool(memory.clock.slept))
    hold.let_go.set()

    created, waited = await creation, await waiting

    assert waited.connection == created.connection
    assert (created.is_new, waited.is_new) == (True, False)
    assert waited.database.labels == {"run": "2"}


async def test_a_request_does_not_wait_forever(memory: MemoryService) -> None:
    hold, creation = await memory.hold("during provision", reuse(memory))
    begin = memory.clock.elapsed()

    with pytest.raises(InFlight, match="retry soon"):
        await reuse(memory.replica())

    assert 5 < memory.clock.elapsed() - begin < 15
    hold.let_go.set()
    await creation


@pytest.mark.parametrize("key", [None, "once"])
async def test_a_creation_that_a_crash_interrupted_is_finished_or_replaced(
    memory: MemoryService, key: str | None
) -> None:
    """A database that its caller cannot ask for again is undone; the new one takes its place."""
    process = create_faulty_process(memory, KillAt("during provision"))
    with pytest.raises(Killed):
        await process.memory.create("pr 7", caller=ANN, key=key)
    interrupted = await memory.only_record()
    service = memory.restarted()
    memory.fault_hook = service.fault_hook = HoldAt("never")

    again = await reuse(service)

    assert (again.database.id == interrupted.id) == bool(key)
    assert await list_live(service) == [again.database]
    assert service.accepts_login(again.database)


async def test_a_requested_database_is_returned_before_it_is_ready(memory: MemoryService) -> None:
    requested = await memory.reuse_database().request(PR)
    assert requested.state is State.PROVISIONING
    assert await memory.replica().reuse_database().request(PR) == requested

    assert await memory.create_database().finish(requested.id)
    ready = await memory.reuse_database().request(replace(PR, labels={"run": "2"}))

    assert (ready.id, ready.state, ready.labels) == (requested.id, State.READY, {"run": "2"})
    assert await memory.records() == [ready]


async def test_a_requested_database_that_nobody_finishes_is_finished_by_the_reconciler(
    memory: MemoryService,
) -> None:
    requested = await memory.reuse_database().request(PR)
    await settle(memory.restarted(), GRACE)
    assert (await memory.registry.get(requested.id)).state is State.READY
    assert (await reuse(memory)).database.id == requested.id


async def test_a_database_that_disappeared_is_replaced_once_that_is_known(
    memory: MemoryService,
) -> None:
    first = await reuse(memory, ttl=9 * HOUR)
    await memory.create("Other")  # an empty provider is not believed
    await memory.provider.delete(first.database.tenant)
    memory.clock.moment += SETTLING_TIME
    await settle(memory, GRACE)

    again = await reuse(memory)

    assert (again.is_new, again.database.names) == (True, first.database.names)


async def test_a_record_that_changes_meanwhile_is_read_again(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    rival = replace(first.database, extensions=("citext",))
    process = memory.replica()
    process.registry = ChangedAfterReading(memory.registry, rival)

    again = await reuse(process, labels={"run": "2"})

    assert (again.database.extensions, again.database.labels) == (("citext",), {"run": "2"})


async def test_the_database_that_has_the_key_is_reused_under_another_nickname_too(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    """It was created, or changed by another program, after the search for the nickname."""
    await memory.registry.update(replace(first.database, nickname=Nickname("else")))
    assert (await reuse(memory)).database.id == first.database.id


async def test_a_password_that_is_being_rotated_is_waited_for(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    hold, rotation = await memory.hold("before rotate", memory.rotate()(first.database.id, ANN))
    waiting = asyncio.create_task(reuse(memory.replica()))
    await wait_without_delay(lambda: bool(memory.clock.slept))
    hold.let_go.set()

    rotated = await rotation
    assert (await waiting).connection == rotated.connection
