"""Audit events that use cases store together with the last change of a record."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TypeVar

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.registry import MemoryRegistry
from domain.audit import AuditEvent, StoredAuditEvent
from domain.database import Database
from domain.errors import IllegalTransition, ProviderBusy, StaleRecord
from domain.lifecycle import State
from ports.driven.audit_log import AuditQuery
from ports.driven.registry import Registry
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.change_database import ChangeRequest
from ports.use_cases.create_request import CreateRequest, OnConflict
from ports.use_cases.pending_event import PendingEvent
from tests.support.doubles import FailAt, WrappedRegistry
from tests.support.memory_service import GRACE, HOUR, MemoryService
from tests.support.people import ANN
from tests.support.spares import create_pooled

EVENT = AuditEvent(caller="ann", key="pgv_a", action="call", address="::1", request_id="r")

T = TypeVar("T")

REPEATABLE = CreateRequest(nickname="Sales", caller=replace(ANN, key="pgv_a"), key="k")


class WitnessedRegistry(MemoryRegistry):
    """Lists the states that were stored together with an event."""

    def __init__(self, audit_log: MemoryAuditLog) -> None:
        super().__init__(audit_log)
        self.states: list[State] = []

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return self._witness(await super().add(database, quota, event), event)

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return self._witness(await super().update(database, quota, event), event)

    def _witness(self, database: Database, event: StoredAuditEvent | None) -> Database:
        self.states += [database.state] if event else []
        return database


@dataclass
class Audited:
    """A service whose registry and audit log change together."""

    audit_log: MemoryAuditLog = field(default_factory=MemoryAuditLog)

    def __post_init__(self) -> None:
        self.registry = WitnessedRegistry(self.audit_log)
        self.service = MemoryService(registry=self.registry, audit_log=self.audit_log)

    def prepare(self) -> PendingEvent:
        audit = AuditEvents(
            audit_log=self.audit_log, clock=self.service.clock, randomness=self.service.randomness
        )
        return audit.prepare(EVENT)

    async def expect_stored(self, pending: PendingEvent, subject: str, state: State) -> None:
        """Check that this event alone was stored, together with a record in that state."""
        (entry,) = await self.audit_log.read(AuditQuery())
        assert pending.is_stored
        assert entry == StoredAuditEvent(
            id=entry.id,
            at=self.service.clock.now(),
            **asdict(replace(EVENT, subject=subject)),
        )
        assert self.registry.states == [state]

    async def expect_nothing(self, pending: PendingEvent) -> None:
        assert not pending.is_stored
        assert await self.audit_log.read(AuditQuery()) == []


@dataclass
class StaleOnce(WrappedRegistry):
    """Refuses the second call: another process changed the record after the first one."""

    inner: Registry
    calls: int = 0

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        if self.calls == 2:
            raise StaleRecord
        return await call()


@pytest.fixture
def audited() -> Audited:
    return Audited()


async def test_a_ready_database_is_stored_with_its_event(audited: Audited) -> None:
    pending = audited.prepare()
    request = CreateRequest(nickname="Sales")

    provisioned = await audited.service.create_database()(request, pending)

    await audited.expect_stored(pending, provisioned.database.id, State.READY)


@pytest.mark.parametrize("extensions", [(), ("citext",)])
async def test_a_reused_database_is_stored_with_its_event(
    audited: Audited, extensions: tuple[str, ...]
) -> None:
    """With the last change, which follows the new extensions."""
    created = await audited.service.create("Sales")
    request = CreateRequest(
        nickname="Sales", on_conflict=OnConflict.REUSE, extensions=extensions, labels={"a": "b"}
    )
    pending = audited.prepare()

    await audited.service.reuse_database()(request, pending)

    await audited.expect_stored(pending, created.database.id, State.READY)
    assert (await audited.service.only_record()).labels == {"a": "b"}


async def test_a_reuse_that_fails_stores_no_event(audited: Audited) -> None:
    await audited.service.create("Sales")
    audited.service.fault_hook = FailAt({"before install": [ProviderBusy()]})
    request = CreateRequest(nickname="Sales", on_conflict=OnConflict.REUSE, extensions=("citext",))
    pending = audited.prepare()

    with pytest.raises(ProviderBusy):
        await audited.service.reuse_database()(request, pending)

    await audited.expect_nothing(pending)


async def test_a_requested_database_is_stored_with_its_event(audited: Audited) -> None:
    pending = audited.prepare()
    create = audited.service.create_database()

    requested = await create.request(CreateRequest(nickname="Sales"), pending)
    await create.finish(requested.id)

    await audited.expect_stored(pending, requested.id, State.PROVISIONING)


@pytest.mark.parametrize("is_requested", [False, True])
async def test_a_claimed_spare_is_stored_with_its_event(
    audited: Audited, is_requested: bool
) -> None:
    pooled = await create_pooled(registry=audited.registry, audit_log=audited.audit_log)
    pending, create = audited.prepare(), pooled.create_database()
    request = CreateRequest(nickname="Sales")

    if is_requested:
        requested = await create.request(request, pending)
        await audited.expect_stored(pending, requested.id, State.PROVISIONING)
    else:
        provisioned = await create(request, pending)
        await audited.expect_stored(pending, provisioned.database.id, State.READY)


async def test_a_creation_that_fails_stores_no_event(audited: Audited) -> None:
    pending = audited.prepare()
    audited.service.fault_hook = FailAt({"before provision": [ProviderBusy("Not now.")]})

    with pytest.raises(ProviderBusy):
        await audited.service.create_database()(CreateRequest(nickname="Sales"), pending)

    await audited.expect_nothing(pending)


async def test_a_repeated_request_that_changes_nothing_leaves_its_event_to_its_caller(
    audited: Audited,
) -> None:
    create = audited.service.create_database()
    await create(REPEATABLE)
    for pending in (audited.prepare(), audited.prepare()):
        await create(REPEATABLE, pending)
        await create.request(REPEATABLE, pending)
        await audited.expect_nothing(pending)


async def test_a_resumed_creation_is_stored_with_the_event_of_its_last_request(
    audited: Audited,
) -> None:
    create = audited.service.create_database()
    requested = await create.request(REPEATABLE)
    pending = audited.prepare()

    await create(REPEATABLE, pending)

    await audited.expect_stored(pending, requested.id, State.READY)


async def test_a_change_that_is_repeated_after_another_one_is_stored_with_one_event(
    audited: Audited,
) -> None:
    database = (await audited.service.create()).database
    pending = audited.prepare()
    change = replace(audited.service.change(), registry=StaleOnce(audited.registry))

    await change(database.id, ChangeRequest(labels={"a": "b"}), event=pending)

    await audited.expect_stored(pending, database.id, State.READY)


async def test_a_deletion_is_stored_with_its_event_and_its_repetition_is_not(
    audited: Audited,
) -> None:
    database = (await audited.service.create()).database
    first, second = audited.prepare(), audited.prepare()

    for pending in (first, second):
        await audited.service.deletion().request(database.id, event=pending)

    await audited.expect_stored(first, database.id, State.DELETING)
    assert not second.is_stored


async def test_a_rotation_is_stored_with_its_event_when_it_is_complete(audited: Audited) -> None:
    database = (await audited.service.create()).database
    pending = audited.prepare()
    await audited.service.interrupt(
        "before rotate", audited.service.rotate()(database.id, event=pending)
    )
    await audited.expect_nothing(pending)

    await audited.service.rotate()(database.id, event=pending)

    await audited.expect_stored(pending, database.id, State.READY)


async def test_a_restoration_is_stored_with_its_event(audited: Audited) -> None:
    database = (await audited.service.create(ttl=HOUR)).database
    audited.service.clock.passed += HOUR.total_seconds()
    await audited.service.expire(GRACE).finish(database.id)
    pending = audited.prepare()

    await audited.service.restore()(database.id, event=pending)

    await audited.expect_stored(pending, database.id, State.READY)


async def test_a_refused_change_stores_no_event(audited: Audited) -> None:
    database = (await audited.service.create()).database
    await audited.service.delete(database.id)
    pending = audited.prepare()

    with pytest.raises(IllegalTransition):
        await audited.service.change()(database.id, ChangeRequest(labels={}), event=pending)

    await audited.expect_nothing(pending)
