"""Exports: the names of files, and the transitions of an expired database that is exported."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.exports import build_file_name, find_deadline
from domain.lifecycle import MAX_HISTORY, Operation, State
from domain.names import PgNames
from domain.reconciliation import ReconcileAction, find_due_action
from domain.transitions import (
    complete_export,
    complete_suspension,
    is_exporting,
    start_expiry,
    start_restoration,
)
from tests.support.records import new_record

HOUR, GRACE, PATIENCE = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
END = NOW + GRACE

ID = "db_01kdyak348sm3jsp5ydyfp42e2"

READY = replace(new_record("Web Shop", state=State.READY), id=ID, expires_at=NOW, history=())


def suspend(database: Database, grace: timedelta = GRACE) -> Database:
    suspending = start_expiry(database, NOW, grace, PATIENCE)
    assert suspending
    suspended = complete_suspension(suspending, NOW, grace)
    assert suspended
    return suspended


def start_export(database: Database = READY) -> Database:
    exporting = start_expiry(suspend(database), END, GRACE, PATIENCE)
    assert exporting
    return exporting


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("webshop", "webshop-{id}.dump"),
        ("web-shop_1", "web-shop_1-{id}.dump"),
        ("../../etc/passwd", "______etc_passwd-{id}.dump"),
        ("-rf", "rf-{id}.dump"),
        (".hidden", "_hidden-{id}.dump"),
        ("ünï cödé\n", "_n__c_d__-{id}.dump"),
        ("-", "{id}.dump"),
        (ID, "{id}.dump"),
    ],
)
def test_a_file_is_named_after_the_database_and_its_id(name: str, file: str) -> None:
    database = replace(READY, names=PgNames(database=name, owner="user"))

    assert build_file_name(database) == file.format(id=ID)


def test_a_database_is_exported_after_the_grace_period_and_then_deleted() -> None:
    suspended = suspend(READY)
    assert start_expiry(suspended, END - HOUR, GRACE, PATIENCE) is None

    exporting = start_expiry(suspended, END, GRACE, PATIENCE)
    assert exporting
    assert (exporting.state, is_exporting(exporting, END)) == (State.EXPIRED, True)
    assert find_due_action(exporting, END) is ReconcileAction.EXPIRE
    assert start_expiry(exporting, END, GRACE, PATIENCE) is None

    deleting = complete_export(exporting, END + HOUR, "a.dump")
    assert deleting
    assert (deleting.state, deleting.export) == (State.DELETING, "a.dump")
    assert deleting.is_pending(Operation.DELETE)
    assert not deleting.is_pending(Operation.EXPORT)


def test_a_database_without_a_grace_period_is_suspended_before_its_export() -> None:
    suspended = suspend(READY, timedelta())

    assert suspended.state is State.EXPIRED
    exporting = start_expiry(suspended, NOW, timedelta(), PATIENCE)
    assert exporting
    assert is_exporting(exporting, NOW)


def test_an_export_that_fails_is_given_up_when_the_patience_is_over() -> None:
    exporting = start_export()
    for _ in range(3 * MAX_HISTORY):
        exporting = exporting.fail(Operation.EXPORT, END + HOUR, "No.")
    deadline = find_deadline(exporting, PATIENCE)

    assert deadline == END + PATIENCE
    assert start_expiry(exporting, deadline - HOUR, GRACE, PATIENCE) is None
    deleting = start_expiry(exporting, deadline, GRACE, PATIENCE)
    assert deleting
    assert (deleting.state, deleting.export) == (State.DELETING, "")
    assert deleting.is_failed(Operation.EXPORT)


def test_an_export_is_tried_at_least_once_however_late_that_is() -> None:
    assert start_expiry(start_export(), END + 2 * PATIENCE, GRACE, PATIENCE) is None


def test_a_pending_export_does_not_keep_a_database_when_exports_are_switched_off() -> None:
    deleting = start_expiry(start_export(), END, GRACE)

    assert deleting
    assert deleting.state is State.DELETING


def test_a_restored_database_that_expires_again_is_kept_and_exported_anew() -> None:
    failed = start_export().fail(Operation.EXPORT, END, "No.")
    later = END + PATIENCE
    restoring = start_restoration(failed, END, later)
    assert not is_exporting(restoring, END)
    assert complete_export(restoring, END, "a.dump") is None

    suspending = start_expiry(restoring, later, GRACE, PATIENCE)
    assert suspending
    suspended = complete_suspension(suspending, later, GRACE)
    assert suspended
    assert suspended.restorable_until == later + GRACE
    exporting = start_expiry(suspended, later + GRACE, GRACE, PATIENCE)
    assert exporting
    assert find_deadline(exporting, PATIENCE) == later + GRACE + PATIENCE
