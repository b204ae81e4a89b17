"""Drift of spares: leftovers, and spares that were claimed in a forgotten past."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import State
from domain.names import PgNames
from domain.reconciliation import (
    Drift,
    ReconcileAction,
    find_claimed_before,
    find_item_drift,
    find_record_drift,
)
from tests.support.drift import (
    NOW,
    OLD_ENOUGH,
    STATES_WITH_DATABASE,
    YOUNG,
    Parts,
    create_incomplete_item,
    create_item,
    parts,
    record,
)


@given(st.sampled_from(State), parts)
def test_a_spare_is_a_leftover_under_a_record_that_is_gone(state: State, found: Parts) -> None:
    kept = record(state)
    item = replace(create_incomplete_item(kept, found), is_spare=True)

    drifts = find_item_drift([item], {kept.id: kept}, NOW)

    assert [(drift.action, drift.is_spare) for drift in drifts] == (
        [(ReconcileAction.DELETE_LEFTOVER, True)] if kept.is_gone else []
    )


@pytest.mark.parametrize("created_at", [OLD_ENOUGH, YOUNG])
def test_a_spare_without_a_record_is_a_leftover_once_it_is_old_enough(created_at: datetime) -> None:
    item = create_item(record(State.SPARE, created_at=created_at))
    actions = [drift.action for drift in find_item_drift([item], {}, NOW)]
    assert actions == ([ReconcileAction.DELETE_LEFTOVER] if created_at == OLD_ENOUGH else [])


@pytest.mark.parametrize("state", [State.SPARE, State.DELETING, State.DELETED])
def test_a_spare_that_was_claimed_is_imported_whatever_its_record_says(state: State) -> None:
    kept = replace(record(State.SPARE), state=state)
    item = replace(create_item(kept), database="sales", owner="user_sales", is_spare=False)

    drifts = find_item_drift([item], {kept.id: kept}, NOW)

    assert drifts == [Drift(ReconcileAction.IMPORT, kept.id, PgNames("sales", "user_sales"))]
    assert find_record_drift([kept], [item], NOW) == []
    assert find_claimed_before([item], [kept]) == {kept.id}


def test_a_spare_and_a_tombstone_were_not_claimed() -> None:
    kept = record(State.SPARE)
    tombstone = replace(create_item(kept), is_spare=False, is_tombstone=True)
    assert find_claimed_before([create_item(kept), tombstone], [kept]) == frozenset()


@pytest.mark.parametrize("state", STATES_WITH_DATABASE)
def test_a_spare_is_not_the_database_of_a_record(state: State) -> None:
    kept, there = record(state, 1), record(State.READY)
    item = replace(create_item(kept), is_spare=True)
    assert find_record_drift([there, kept], [create_item(there), item], NOW) == [
        Drift(ReconcileAction.MARK_MISSING, kept.id, kept.names)
    ]
