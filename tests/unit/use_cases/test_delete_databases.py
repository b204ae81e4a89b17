"""Bulk deletion: all databases with certain labels, if they are as many as the caller expects."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.registry import MemoryRegistry
from domain.audit import AuditEvent
from domain.callers import Caller, Scope
from domain.database import TEMPLATE_SHAPE, Database
from domain.errors import CountMismatch, OtherTarget, Unavailable
from domain.lifecycle import GONE, LISTED, State
from ports.driven.audit_log import AuditQuery
from ports.driven.registry import Query
from ports.use_cases.delete_databases import PAGE, BulkDeletion
from ports.use_cases.pending_event import PendingEvent
from ports.use_cases.records import search_all
from tests.support.memory_service import MemoryService
from tests.support.records import ELSEWHERE, new_record

CLASS = {"class": "sql101"}
LABELS = CLASS | {"term": "1"}

ANN = Caller(name="ann", scopes=frozenset({Scope.MANAGE}))


async def add(memory: MemoryService, **changes: Any) -> Database:
    return await memory.registry.add(replace(new_record(labels=LABELS), **changes))


async def delete(
    memory: MemoryService, count: int, caller: Caller = ANN, labels: Mapping[str, str] = CLASS
) -> set[str]:
    deletion = BulkDeletion(labels=labels, count=count)
    return {each async for each in memory.bulk_deletion().request(deletion, caller)}


async def list_deleting(memory: MemoryService) -> set[str]:
    query = Query(states=frozenset({State.DELETING}), limit=PAGE)
    return {each.id for each in await search_all(memory.registry, query)}


async def test_the_databases_with_all_labels_are_to_be_deleted(memory: MemoryService) -> None:
    matching = {(await add(memory, caller="ann")).id for _ in range(3)}
    await add(memory, caller="ann", labels=CLASS)

    assert await delete(memory, 3, labels=LABELS) == matching
    assert await list_deleting(memory) == matching


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_another_count_deletes_nothing_and_names_the_true_one(
    memory: MemoryService, count: int
) -> None:
    for _ in range(2):
        await add(memory, caller="ann")

    with pytest.raises(CountMismatch, match=r"^2 databases .* count=2"):
        await delete(memory, count)
    assert not await list_deleting(memory)


async def test_a_repeated_request_deletes_nothing_that_was_created_since(
    memory: MemoryService,
) -> None:
    first = await add(memory, caller="ann")
    assert await delete(memory, 1) == {first.id}
    with pytest.raises(CountMismatch, match=r"^0 databases"):
        await delete(memory, 1)
    newer = {(await add(memory, caller="ann")).id for _ in range(2)}
    with pytest.raises(CountMismatch, match=r"^2 databases"):
        await delete(memory, 1)
    assert not newer & await list_deleting(memory)


@pytest.mark.parametrize("state", sorted({State.DELETING, *GONE}))
async def test_databases_that_are_being_deleted_or_gone_do_not_count(
    memory: MemoryService, state: State
) -> None:
    await add(memory, caller="ann", state=state)
    assert await delete(memory, 0) == set()


@pytest.mark.parametrize("state", sorted(LISTED - {State.DELETING}))
async def test_databases_in_all_other_states_are_deleted(
    memory: MemoryService, state: State
) -> None:
    record = await add(memory, caller="ann", state=state)
    assert await delete(memory, 1) == {record.id}


async def test_callers_delete_their_own_databases_and_admins_all(memory: MemoryService) -> None:
    anns, bobs = await add(memory, caller="ann"), await add(memory, caller="bob")
    assert await delete(memory, 1) == {anns.id}
    assert await delete(memory, 1, Caller(name="root", scopes=frozenset({Scope.ADMIN}))) == {
        bobs.id
    }


@pytest.mark.parametrize(
    ("state", "shape"),
    [(State.SPARE, "a digest"), (State.TEMPLATE, TEMPLATE_SHAPE), (State.PROVISIONING, "a digest")],
)
async def test_spares_and_templates_are_left_alone(
    memory: MemoryService, state: State, shape: str
) -> None:
    await add(memory, caller="ann", state=state, shape=shape)
    assert await delete(memory, 0) == set()
    assert not await list_deleting(memory)


async def test_a_database_on_another_target_keeps_all_from_being_deleted(
    memory: MemoryService,
) -> None:
    await add(memory, caller="ann", target=ELSEWHERE)
    await add(memory, caller="ann")
    with pytest.raises(OtherTarget):
        await delete(memory, 2)
    assert not await list_deleting(memory)


async def test_more_than_a_page_is_deleted(memory: MemoryService) -> None:
    for _ in range(PAGE + 1):
        await add(memory, caller="ann")
    assert len(await delete(memory, PAGE + 1)) == PAGE + 1


class Meanwhile(MemoryRegistry):
    """Another request changes the records after they were listed."""

    def __init__(self, change: Callable[[Database], Database]) -> None:
        super().__init__()
        self._change = change

    async def search(self, query: Query) -> list[Database]:
        found = await super().search(query)
        for record in found:
            self._store(self._change(record))
        return found


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, labels={}),
        lambda record: replace(record, state=State.DELETING),
        lambda record: replace(record, state=State.DELETED),
    ],
    ids=["relabelled", "deleting", "deleted"],
)
async def test_a_database_that_changed_meanwhile_is_left_out(
    change: Callable[[Database], Database],
) -> None:
    memory = MemoryService(registry=Meanwhile(change))
    record = await add(memory, caller="ann")
    assert await delete(memory, 1) == set()
    assert (await memory.registry.get(record.id)).state is change(record).state


async def request_with_event(memory: MemoryService, count: int) -> PendingEvent:
    event = AuditEvent(caller="ann", action="deleteDatabases")
    pending = PendingEvent(event=event, clock=memory.clock, randomness=memory.randomness)
    deletion = BulkDeletion(labels=CLASS, count=count)
    assert len([_ async for _ in memory.bulk_deletion().request(deletion, ANN, pending)]) == count
    return pending


async def test_each_deletion_has_an_audit_event_stored_with_it() -> None:
    log = MemoryAuditLog()
    memory = MemoryService(registry=MemoryRegistry(log))
    ids = {(await add(memory, caller="ann")).id for _ in range(3)}

    pending = await request_with_event(memory, 3)

    entries = await log.read(AuditQuery())
    assert {(entry.action, entry.subject) for entry in entries} == {
        ("deleteDatabases", each) for each in ids
    }
    assert len(entries) == 3
    assert pending.is_stored, "the call needs no further event"


async def test_the_event_of_a_call_without_a_deletion_is_not_stored(memory: MemoryService) -> None:
    assert not (await request_with_event(memory, 0)).is_stored


class BreaksAfter(MemoryRegistry):
    """Cannot be reached after that many updates."""

    def __init__(self, updates: int) -> None:
        super().__init__()
        self.updates = updates

    async def update(self, *args: Any, **kwargs: Any) -> Database:
        if not self.updates:
            raise Unavailable
        self.updates -= 1
        return await super().update(*args, **kwargs)


async def test_an_interrupted_request_is_completed_with_the_count_of_the_rest() -> None:
    registry = BreaksAfter(2)
    memory = MemoryService(registry=registry)
    for _ in range(3):
        await add(memory, caller="ann")

    with pytest.raises(Unavailable):
        await delete(memory, 3)
    registry.updates = 9
    assert len(await list_deleting(memory)) == 2
    with pytest.raises(CountMismatch, match=r"^1 databases"):
        await delete(memory, 3)
    assert len(await delete(memory, 1)) == 1
