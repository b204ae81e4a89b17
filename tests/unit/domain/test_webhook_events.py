"""The events of a database, by the history of its record."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.database import TEMPLATE_SHAPE
from domain.event_types import EventType
from domain.lifecycle import Operation, State
from domain.transitions import (
    complete_restoration,
    start_deletion,
    start_restoration,
)
from tests.support.histories import (
    DAY,
    HOUR,
    NOW,
    delete,
    expire,
    list_new_types,
    list_types,
    new_ready,
    suspend,
)
from tests.support.records import new_record


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
