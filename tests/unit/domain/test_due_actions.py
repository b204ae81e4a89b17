"""The actions for records that are due."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.lifecycle import GONE, Operation, State
from domain.reconciliation import ReconcileAction, find_due_action
from tests.support.drift import NOW, record

PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def pending_record(
    state: State, *pending: Operation, ends: datetime | None = None, resumable: bool = False
) -> Database:
    database = record(state, created_at=PAST)
    for operation in pending:
        database = database.start(operation, PAST)
    return replace(database, expires_at=ends, resumable=resumable)


DUE: list[tuple[Database, ReconcileAction | None]] = [
    (pending_record(State.PROVISIONING), ReconcileAction.UNDO),
    (pending_record(State.PROVISIONING, resumable=True), ReconcileAction.FINISH),
    (pending_record(State.DELETING, Operation.DELETE), ReconcileAction.DELETE),
    (pending_record(State.DELETING, Operation.DELETE, ends=PAST), ReconcileAction.DELETE),
    (pending_record(State.READY), None),
    (pending_record(State.READY, ends=FUTURE), None),
    (pending_record(State.READY, ends=NOW), ReconcileAction.EXPIRE),
    (pending_record(State.READY, Operation.ROTATE), ReconcileAction.ROTATE),
    (pending_record(State.READY, Operation.ROTATE, ends=FUTURE), ReconcileAction.ROTATE),
    (pending_record(State.READY, Operation.ROTATE, ends=PAST), ReconcileAction.EXPIRE),
    (pending_record(State.READY, Operation.SET_READ_ONLY), ReconcileAction.SET_READ_ONLY),
    (pending_record(State.READY, Operation.CLEAR_READ_ONLY), ReconcileAction.CLEAR_READ_ONLY),
    (pending_record(State.READY, Operation.SET_READ_ONLY, ends=PAST), ReconcileAction.EXPIRE),
    (
        pending_record(State.READY, Operation.SET_READ_ONLY, Operation.ROTATE),
        ReconcileAction.ROTATE,
    ),
    (pending_record(State.EXPIRED, Operation.SET_READ_ONLY, ends=FUTURE), None),
    (pending_record(State.EXPIRED, ends=PAST), ReconcileAction.EXPIRE),
    (pending_record(State.EXPIRED, Operation.SUSPEND, ends=PAST), ReconcileAction.EXPIRE),
    (pending_record(State.EXPIRED, Operation.RESTORE), ReconcileAction.RESTORE),
    (pending_record(State.EXPIRED, Operation.RESTORE, ends=FUTURE), ReconcileAction.RESTORE),
    (pending_record(State.EXPIRED, Operation.RESTORE, ends=PAST), ReconcileAction.EXPIRE),
    (pending_record(State.EXPIRED, ends=FUTURE), None),
]


@pytest.mark.parametrize(("database", "action"), DUE)
def test_the_action_of_a_due_record(database: Database, action: ReconcileAction | None) -> None:
    assert find_due_action(database, NOW) is action


@pytest.mark.parametrize("state", sorted(GONE))
@given(st.sampled_from(Operation), st.sampled_from([None, PAST, FUTURE]), st.booleans())
def test_a_gone_record_has_no_action(
    state: State, pending: Operation, ends: datetime | None, resumable: bool
) -> None:
    assert (
        find_due_action(pending_record(state, pending, ends=ends, resumable=resumable), NOW) is None
    )
