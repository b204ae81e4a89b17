"""The transitions of expiry and restoration, and the reconciler's choice of an action for them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import IllegalTransition, InFlight
from domain.lifecycle import Operation, State
from domain.reconciliation import ReconcileAction, find_due_action
from domain.transitions import (
    check_restorable,
    complete_restoration,
    complete_suspension,
    is_restoring,
    is_suspending,
    start_expiry,
    start_restoration,
)
from tests.support.records import new_record

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)
NOW = datetime(2026, 1, 2, tzinfo=UTC)

READY = replace(new_record(state=State.READY, created_at=NOW), expires_at=NOW + HOUR, history=())


def test_a_database_expires_and_is_deleted_after_the_grace_period() -> None:
    end = NOW + HOUR
    assert start_expiry(READY, NOW, GRACE) is None

    suspending = start_expiry(READY, end, GRACE)
    assert suspending
    assert (suspending.state, is_suspending(suspending, end)) == (State.EXPIRED, True)
    expired = complete_suspension(suspending, end, GRACE)
    assert expired
    assert (expired.wake_at, start_expiry(expired, end, GRACE)) == (end + GRACE, None)
    ends = [READY.restorable_until, suspending.restorable_until, expired.restorable_until]
    assert ends == [None, None, end + GRACE]

    deleting = start_expiry(expired, end + GRACE, GRACE)
    assert deleting
    assert (deleting.state, deleting.is_pending(Operation.DELETE)) == (State.DELETING, True)


@pytest.mark.parametrize(
    ("later", "action"), [(0, ReconcileAction.RESTORE), (2, ReconcileAction.EXPIRE)]
)
def test_a_restoration_past_its_new_expiry_is_expired_again(
    later: int, action: ReconcileAction
) -> None:
    expired = replace(READY, state=State.EXPIRED)
    restoring = start_restoration(expired, NOW + HOUR, NOW + 2 * HOUR)
    now = NOW + HOUR + later * HOUR

    assert find_due_action(restoring, now) is action
    assert is_restoring(restoring, now) is (action is ReconcileAction.RESTORE)
    suspending = start_expiry(restoring, now, GRACE)
    assert (suspending is None) is (action is ReconcileAction.RESTORE)
    assert suspending is None or not suspending.is_pending(Operation.RESTORE)


def test_a_restoration_completes_pending_operations() -> None:
    expired = replace(READY, state=State.EXPIRED)
    for work in (Operation.ROTATE, Operation.END_SESSIONS, Operation.SUSPEND, Operation.RESTORE):
        expired = expired.start(work, NOW)

    restored = complete_restoration(replace(expired, expires_at=None), NOW)

    assert (restored.state, restored.wake_at) == (State.READY, None)


def test_only_an_expired_database_is_restorable() -> None:
    check_restorable(replace(READY, state=State.EXPIRED), NOW)
    with pytest.raises(InFlight, match="expiring now"):
        check_restorable(READY, NOW + HOUR)
    with pytest.raises(IllegalTransition, match="only an expired one"):
        check_restorable(READY, NOW)
