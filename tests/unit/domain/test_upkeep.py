"""What the sweep has to do for a record whose time has come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.states import GONE, State
from domain.steps import Work
from domain.upkeep import Upkeep, due
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def record(
    state: State,
    pending: Work | None = None,
    *,
    ends: datetime | None = None,
    promised: bool = False,
) -> Database:
    made = new_record(made=PAST, state=state).did(Work.PROVISION, PAST)
    begun = made.began(pending, PAST) if pending else made
    return replace(begun, expires_at=ends, promised=promised)


@pytest.mark.parametrize(
    ("database", "upkeep"),
    [
        (record(State.PROVISIONING), Upkeep.UNDO),
        (record(State.PROVISIONING, promised=True), Upkeep.FINISH),
        (record(State.RETIRING, Work.RETIRE), Upkeep.RETIRE),
        (record(State.RETIRING, Work.RETIRE, ends=PAST), Upkeep.RETIRE),
        (record(State.READY), None),
        (record(State.READY, ends=FUTURE), None),
        (record(State.READY, ends=NOW), Upkeep.EXPIRE),
        (record(State.READY, Work.ROTATE), Upkeep.ROTATE),
        (record(State.READY, Work.ROTATE, ends=FUTURE), Upkeep.ROTATE),
        (record(State.READY, Work.ROTATE, ends=PAST), Upkeep.EXPIRE),
        (record(State.READY, Work.CONFINE), Upkeep.CONFINE),
        (record(State.READY, Work.RELEASE), Upkeep.RELEASE),
        (record(State.READY, Work.CONFINE, ends=PAST), Upkeep.EXPIRE),
        (record(State.READY).began(Work.CONFINE, PAST).began(Work.ROTATE, PAST), Upkeep.ROTATE),
        (record(State.EXPIRED, Work.CONFINE, ends=FUTURE), None),
        (record(State.EXPIRED, ends=PAST), Upkeep.EXPIRE),
        (record(State.EXPIRED, Work.SUSPEND, ends=PAST), Upkeep.EXPIRE),
        (record(State.EXPIRED, Work.RESTORE), Upkeep.RESTORE),
        (record(State.EXPIRED, Work.RESTORE, ends=FUTURE), Upkeep.RESTORE),
        (record(State.EXPIRED, Work.RESTORE, ends=PAST), Upkeep.EXPIRE),
        (record(State.EXPIRED, ends=FUTURE), None),
    ],
)
def test_what_is_due_is_done(database: Database, upkeep: Upkeep | None) -> None:
    assert due(database, NOW) is upkeep


@pytest.mark.parametrize("state", sorted(GONE))
@given(st.sampled_from(Work), st.sampled_from([None, PAST, FUTURE]), st.booleans())
def test_nothing_is_done_for_what_is_gone(
    state: State, pending: Work, ends: datetime | None, promised: bool
) -> None:
    assert due(record(state, pending, ends=ends, promised=promised), NOW) is None
