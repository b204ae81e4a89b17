"""The events of a database, by the history of its record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import TEMPLATE_SHAPE, Database
from domain.event_types import EventType
from domain.lifecycle import MAX_HISTORY, Operation, State
from domain.transitions import (
    complete_restoration,
    complete_suspension,
    start_deletion,
    start_expiry,
    start_restoration,
)
from domain.webhook_events import Progress, advance, list_events
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEW = Progress()


def list_types(
    database: Database, progress: Progress = NEW, now: datetime = NOW
) -> Sequence[EventType]:
    return [event.type for event in list_events(database, progress, now, HOUR)]


def list_new_types(former: Database, database: Database) -> Sequence[EventType]:
    """Return the types of the events that happened since the former record."""
    return list_types(database, advance(former, NEW, NOW, HOUR))


def new_ready(expires_at: datetime | None = None) -> Database:
    """Return the record of a database that was provisioned and verified."""
    record = replace(new_record(created_at=NOW), expires_at=expires_at)
    record = record.complete(Operation.PROVISION, NOW).start(Operation.VERIFY, NOW)
    return record.transition_to(State.READY).complete(Operation.VERIFY, NOW)


def expire(database: Database, *, grace: timedelta = DAY) -> Database:
    """Return the record after its expiry has come."""
    assert database.expires_at
    expired = start_expiry(database, database.expires_at, grace)
    assert expired
    return expired


def suspend(database: Database) -> Database:
    assert database.expires_at
    suspended = complete_suspension(database, database.expires_at, DAY)
    assert suspended
    return suspended


def delete(database: Database, at: datetime = NOW) -> Database:
    return start_deletion(database, at).finish_deletion(at)


def test_a_database_is_created_when_a_login_has_worked() -> None:
    record = new_record(created_at=NOW)
    unverified = record.complete(Operation.PROVISION, NOW).start(Operation.VERIFY, NOW)

    assert list_types(record) == []
    assert list_types(unverified) == []
    assert list_types(new_ready()) == [EventType.CREATED]


def test_a_database_from_a_spare_is_created_without_a_login() -> None:
    record = new_record(created_at=NOW).transition_to(State.READY)

    assert list_types(record.complete(Operation.PROVISION, NOW)) == [EventType.CREATED]


def test_a_creation_that_failed_is_one_event_when_nothing_is_left() -> None:
    abandoned = new_record(created_at=NOW).abandon(NOW, "The server is full.")

    assert list_types(abandoned) == []
    assert list_types(abandoned.finish_deletion(NOW)) == [EventType.FAILED]


def test_a_creation_that_failed_after_the_expiry_did_not_expire() -> None:
    record = replace(new_record(created_at=NOW), expires_at=NOW - HOUR)

    assert list_types(record.abandon(NOW, "").finish_deletion(NOW)) == [EventType.FAILED]


def test_a_database_is_deleted_when_nothing_is_left() -> None:
    ready = new_ready()

    assert list_new_types(ready, start_deletion(ready, NOW)) == []
    assert list_new_types(ready, delete(ready)) == [EventType.DELETED]


def test_a_database_is_expired_once_when_its_suspension_begins() -> None:
    ready = new_ready(NOW + DAY)
    expired = expire(ready)
    failed = expired.fail(Operation.SUSPEND, NOW + DAY, "The server does not answer.")

    for record in (expired, failed, suspend(failed)):
        assert list_new_types(ready, record) == [EventType.EXPIRED]
    assert list_new_types(ready, delete(suspend(expired), NOW + DAY * 3)) == [
        EventType.EXPIRED,
        EventType.DELETED,
    ]


def test_without_a_grace_period_a_database_expires_before_it_is_deleted() -> None:
    ready = new_ready(NOW + DAY)
    expired = expire(ready, grace=timedelta())

    assert list_new_types(ready, expired) == [EventType.EXPIRED]
    assert list_new_types(ready, expired.finish_deletion(NOW + DAY)) == [
        EventType.EXPIRED,
        EventType.DELETED,
    ]


def test_a_database_is_restored_when_it_is_open_again() -> None:
    expired = suspend(expire(new_ready(NOW + DAY)))
    restoring = start_restoration(expired, NOW + DAY, NOW + DAY * 3)

    assert list_new_types(expired, restoring) == []
    assert list_new_types(expired, complete_restoration(restoring, NOW + DAY)) == [
        EventType.RESTORED
    ]


def test_a_restoration_before_the_suspension_has_ended_is_one_event() -> None:
    expiring = expire(new_ready(NOW + DAY))
    restoring = start_restoration(expiring, NOW + DAY, NOW + DAY * 3)

    assert list_new_types(expiring, complete_restoration(restoring, NOW + DAY)) == [
        EventType.RESTORED
    ]


def test_a_restored_database_expires_again() -> None:
    expired = suspend(expire(new_ready(NOW + DAY)))
    restored = complete_restoration(start_restoration(expired, NOW + DAY, NOW + DAY * 2), NOW + DAY)

    assert list_new_types(restored, expire(restored)) == [EventType.EXPIRED]
    assert list_new_types(restored, expire(restored, grace=timedelta())) == [EventType.EXPIRED]


def test_a_restoration_that_is_cancelled_by_its_expiry_did_not_restore() -> None:
    expired = suspend(expire(new_ready(NOW + DAY)))
    restoring = start_restoration(expired, NOW + DAY, NOW + DAY + HOUR)

    assert list_new_types(restoring, expire(restoring)) == [EventType.EXPIRED]


def test_an_expired_database_that_is_deleted_in_a_restoration_did_not_expire_again() -> None:
    expired = suspend(expire(new_ready(NOW + DAY)))
    restoring = start_restoration(expired, NOW + DAY, NOW + DAY + HOUR)
    deleting = start_deletion(restoring, NOW + DAY * 2)

    assert list_new_types(restoring, deleting) == []


def test_a_database_above_the_limit_is_over_size_and_again_when_it_becomes_read_only() -> None:
    ready = new_ready()
    warned = ready.complete(Operation.WARN, NOW)
    read_only = warned.start(Operation.SET_READ_ONLY, NOW)

    assert list_new_types(ready, warned) == [EventType.OVER_SIZE]
    assert list_new_types(warned, read_only) == []
    read_only = read_only.complete(Operation.SET_READ_ONLY, NOW)
    assert list_new_types(warned, read_only) == [EventType.OVER_SIZE]
    cleared = read_only.start(Operation.CLEAR_READ_ONLY, NOW)
    assert list_new_types(read_only, cleared.complete(Operation.CLEAR_READ_ONLY, NOW)) == []


@pytest.mark.parametrize("operation", [Operation.ROTATE, Operation.ADD_EXTENSION])
def test_other_operations_are_not_events(operation: Operation) -> None:
    ready = new_ready()
    started = ready.start(operation, NOW)
    failed = started.fail(operation, NOW, "Not now.")

    for record in (started, failed, failed.complete(operation, NOW)):
        assert list_new_types(ready, record) == []


@pytest.mark.parametrize("shape", ["0123456789abcdef", TEMPLATE_SHAPE])
def test_spares_and_templates_have_no_events(shape: str) -> None:
    assert list_types(replace(new_ready(NOW + HOUR / 2), shape=shape)) == []


def test_a_database_is_expiring_from_the_notice_to_its_expiry() -> None:
    ready = new_ready(NOW + DAY)
    progress = advance(ready, NEW, NOW, HOUR)
    second = timedelta(seconds=1)

    for moment in (NOW, NOW + DAY - HOUR - second, NOW + DAY):
        assert list_types(ready, progress, moment) == []
    for moment in (NOW + DAY - HOUR, NOW + DAY - second):
        assert list_types(ready, progress, moment) == [EventType.EXPIRING]


def test_a_short_lived_database_is_created_and_then_expiring() -> None:
    assert list_types(new_ready(NOW + HOUR / 2)) == [EventType.CREATED, EventType.EXPIRING]


def test_a_database_is_expiring_once_for_each_expiry() -> None:
    ready = new_ready(NOW + HOUR / 2)
    progress = advance(ready, NEW, NOW, HOUR)
    extended = ready.with_expiry(NOW + HOUR)

    assert list_types(ready, progress) == []
    assert list_types(extended, progress) == [EventType.EXPIRING]
    assert list_types(extended, advance(extended, progress, NOW, HOUR)) == []


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
def test_only_a_ready_database_is_expiring(state: State) -> None:
    record = replace(new_ready(NOW + HOUR / 2), state=state)

    assert EventType.EXPIRING not in list_types(record)
    assert advance(record, NEW, NOW, HOUR).expiry is None


def test_progress_covers_all_steps_and_keeps_the_announced_expiry() -> None:
    ready = new_ready(NOW + HOUR / 2)
    progress = advance(ready, NEW, NOW, HOUR)

    assert progress == Progress(step=4, expiry=ready.expires_at)
    deleted = delete(ready)
    assert advance(deleted, progress, NOW, HOUR) == Progress(step=6, expiry=ready.expires_at)
    assert list_types(deleted, advance(deleted, progress, NOW, HOUR)) == []


def test_progress_does_not_go_back_with_an_older_record() -> None:
    ready = new_ready()
    progress = advance(delete(ready), NEW, NOW, HOUR)

    assert advance(ready, progress, NOW, HOUR) == progress


def test_a_record_without_steps_has_no_events() -> None:
    """It was imported, or comes from an early release."""
    record = replace(new_ready(), history=())

    assert list_types(record) == []
    assert advance(record, NEW, NOW, HOUR) == NEW


def test_an_event_has_the_same_id_whenever_it_is_derived() -> None:
    ready = new_ready(NOW + HOUR / 2)
    first = list_events(ready, NEW, NOW, HOUR)
    later = list_events(delete(ready), NEW, NOW, HOUR)
    again = list_events(ready, NEW, NOW + timedelta(minutes=1), HOUR)

    assert [event.id for event in again] == [event.id for event in first]
    assert later[0].id == first[0].id
    assert len({event.id for event in (*first, *later)}) == 3


def test_the_ids_of_different_events_differ() -> None:
    """Also those of a registry that was restored from a backup, and numbers steps again."""
    ready = new_ready()
    ids = [
        event.id
        for record in (
            delete(ready),
            delete(ready, NOW + HOUR),
            ready.with_expiry(NOW + HOUR / 2),
            ready.with_expiry(NOW + HOUR),
            new_ready(),
        )
        for event in list_events(record, NEW, NOW, HOUR)
    ]

    created = [ids[0]] * 3
    assert len(set(ids)) == len(ids) - len(created)


def test_an_event_has_the_time_of_its_step_and_the_present_record() -> None:
    deleted = delete(new_ready(), NOW + HOUR)
    created, gone = list_events(deleted, NEW, NOW + DAY, HOUR)

    assert (created.at, gone.at) == (NOW, NOW + HOUR)
    assert created.database is gone.database is deleted


def test_events_survive_a_history_that_was_trimmed() -> None:
    record = new_ready()
    for _ in range(MAX_HISTORY):
        record = record.start(Operation.ROTATE, NOW).complete(Operation.ROTATE, NOW)

    assert list_types(record) == [EventType.CREATED]
