"""Requests that reuse the caller's database of the same nickname."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from domain.callers import ANONYMOUS, Caller, Scope
from domain.database import Database
from domain.errors import (
    AmbiguousName,
    ExtensionUnavailable,
    Forbidden,
    InFlight,
    InvalidDuration,
    InvalidLabels,
    InvalidNickname,
    InvalidRequest,
    OtherSource,
    OtherTarget,
    QuotaReached,
)
from domain.expiry import ExpiryPolicy
from domain.lifecycle import Operation, State
from domain.names import Nickname
from domain.reconciliation import SETTLING_TIME
from ports.driven.registry import Registry
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.provisioned_database import ProvisionedDatabase
from tests.support.consistency import settle
from tests.support.doubles import HoldAt, WrappedRegistry
from tests.support.memory_faults import KillAt, Killed, create_faulty_process
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN, BOB, CALLER_SCOPES, create_caller
from tests.support.polling import wait_without_delay
from tests.support.spares import create_pooled
from tests.support.templates import create_template, delete_template

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


PR = CreateRequest(nickname="pr 7", on_conflict=OnConflict.REUSE, ttl=HOUR, caller=ANN)


async def reuse(
    memory: MemoryService, request: CreateRequest = PR, **changes: Any
) -> ProvisionedDatabase:
    return await memory.reuse_database()(replace(request, **changes))


async def list_live(memory: MemoryService) -> list[Database]:
    return [record for record in await memory.records() if not record.is_gone]


@pytest.fixture
async def first(memory: MemoryService) -> ProvisionedDatabase:
    return await reuse(memory)


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


async def test_reuse_consumes_no_quota_but_a_new_database_does(memory: MemoryService) -> None:
    caller = create_caller("ann", quota=1)
    first = await reuse(memory, caller=caller)
    assert (await reuse(memory, caller=caller)).database.id == first.database.id
    with pytest.raises(QuotaReached):
        await reuse(memory, caller=caller, nickname="pr 8")


async def test_the_nickname_of_another_caller_is_another_database(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    bobs = await reuse(memory, caller=BOB)
    admins = await reuse(memory, caller=Caller(name="root", scopes=frozenset({Scope.ADMIN})))
    assert len({each.database.id for each in (first, bobs, admins)}) == 3
    assert bobs.is_new
    assert admins.is_new


async def test_another_spelling_of_the_nickname_is_another_database(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    for nickname in ("PR 7", "pr7", first.database.id):
        assert (await reuse(memory, nickname=nickname)).is_new


async def test_a_nickname_of_several_databases_is_refused_with_their_ids(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    other = await memory.create("pr 7", caller=ANN)
    for answer in (reuse(memory), memory.reuse_database().request(PR)):
        with pytest.raises(AmbiguousName) as refused:
            await answer
        assert first.database.id in str(refused.value)
        assert other.database.id in str(refused.value)


REFUSED_CALLERS = {
    "without read": create_caller("ann", scopes=CALLER_SCOPES - {Scope.READ}),
    "without manage": create_caller("ann", scopes=CALLER_SCOPES - {Scope.MANAGE}),
    "without create": create_caller("ann", scopes=CALLER_SCOPES - {Scope.CREATE}),
    "for a web page": create_caller("ann", origins=frozenset({"https://shop.test"})),
    "an admin's for a web page": create_caller(
        "ann", scopes=frozenset({Scope.ADMIN}), origins=frozenset({"https://shop.test"})
    ),
    "anonymous": create_caller(ANONYMOUS, is_anonymous=True),
}


@pytest.mark.parametrize("caller", REFUSED_CALLERS.values(), ids=REFUSED_CALLERS)
async def test_callers_that_may_not_see_an_existing_password_are_refused(
    memory: MemoryService, caller: Caller
) -> None:
    request = replace(PR, caller=caller)
    for answer in (reuse(memory, request), memory.reuse_database().request(request)):
        with pytest.raises(Forbidden):
            await answer
    assert await memory.records() == []


INVALID = {
    "nickname": ({"nickname": "!"}, InvalidNickname),
    "control characters": ({"nickname": "a\0b"}, InvalidNickname),
    "labels": ({"labels": {"": ""}}, InvalidLabels),
    "duration": ({"ttl": 2 * HOUR}, InvalidDuration),
    "extension": ({"extensions": ("nosuch",)}, ExtensionUnavailable),
    "key": ({"key": "ä"}, InvalidRequest),
    "two sources": ({"template": "a", "source": "b"}, InvalidRequest),
}


@pytest.mark.parametrize(("changes", "error"), INVALID.values(), ids=INVALID)
async def test_an_invalid_request_changes_nothing(
    memory: MemoryService, changes: dict[str, Any], error: type[Exception]
) -> None:
    memory.expiry = ExpiryPolicy(max_ttl=HOUR)
    first = await reuse(memory)
    memory.clock.moment += HOUR
    assert await memory.expire(GRACE).finish(first.database.id)
    before = await memory.only_record()

    with pytest.raises(error):
        await reuse(memory, **changes)

    assert await memory.only_record() == before


async def test_a_copy_is_reused_for_the_same_source_only(memory: MemoryService) -> None:
    shop = await memory.create("Shop", caller=ANN)
    await memory.create("Other", caller=ANN)
    await create_template(memory, "Shop", "v1", caller=ANN)
    template = await create_template(memory, "Shop", "v2", caller=ANN)
    origins: dict[str, dict[str, Any]] = {
        "empty": {},
        "v1": {"template": "v1"},
        "v2": {"template": "v2"},
        "fork": {"source": "Shop"},
    }
    copies = {name: (await reuse(memory, nickname=name, **origins[name])) for name in origins}

    for name, copy in copies.items():
        for other, origin in origins.items():
            if name == other:
                assert (await reuse(memory, nickname=name, **origin)).connection == copy.connection
                continue
            with pytest.raises(OtherSource, match="delete it first"):
                await reuse(memory, nickname=name, **origin)
    for source in (shop.database.id, shop.database.names.database):
        assert not (await reuse(memory, nickname="fork", source=source)).is_new
    assert not (await reuse(memory, nickname="v2", template=template.id)).is_new


async def test_a_template_that_was_replaced_or_deleted_since_is_the_same(
    memory: MemoryService,
) -> None:
    await memory.create("Shop", caller=ANN)
    await create_template(memory, "Shop", "v1", caller=ANN)
    first = await reuse(memory, template="v1")

    template = await create_template(memory, "Shop", "v1", caller=ANN)
    assert (await reuse(memory, template="v1")).database.id == first.database.id
    await delete_template(memory, template.id)
    assert (await reuse(memory, template="v1")).database.id == first.database.id


async def test_a_source_without_a_record_is_known_by_its_id_alone(memory: MemoryService) -> None:
    """The registry may come from a backup."""
    first = await reuse(memory)
    lost = replace(first.database, source="db_01kdyak348cbh82spsq33n26ds")
    await memory.registry.update(lost)

    assert not (await reuse(memory, source=lost.source)).is_new
    with pytest.raises(OtherSource):
        await reuse(memory, source="Shop")


async def test_a_database_on_another_target_is_not_reused(
    memory: MemoryService, first: ProvisionedDatabase
) -> None:
    with pytest.raises(OtherTarget):
        await reuse(memory.elsewhere())


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
