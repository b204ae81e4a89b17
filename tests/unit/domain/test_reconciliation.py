"""Drift between records and provider."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import GONE, LIVE, Operation, State
from domain.names import PgNames
from domain.provisioning import InventoryItem
from domain.reconciliation import (
    SETTLING_TIME,
    Drift,
    ReconcileAction,
    find_item_drift,
    find_record_drift,
)
from tests.support.drift import (
    NOW,
    OLD_ENOUGH,
    STATES_WITH_DATABASE,
    YOUNG,
    Parts,
    create_id,
    create_incomplete_item,
    create_item,
    parts,
    record,
)

each_age = pytest.mark.parametrize("created_at", [OLD_ENOUGH, NOW], ids=["old", "young"])
each_young = pytest.mark.parametrize("created_at", [YOUNG, NOW, NOW + timedelta(days=1)], ids=str)

states = st.sampled_from(State)


def list_actions(drifts: list[Drift]) -> list[ReconcileAction]:
    return [drift.action for drift in drifts]


@given(st.lists(st.tuples(st.timedeltas(timedelta(), 3 * SETTLING_TIME), parts), unique=True))
def test_without_a_record_only_complete_items_are_imported(
    found: list[tuple[timedelta, Parts]],
) -> None:
    items = [
        InventoryItem(id=create_id(NOW - age, number), database=database, owner=owner)
        for number, (age, (database, owner)) in enumerate(found)
    ]

    assert find_item_drift(items, {}, NOW) == [
        Drift(
            ReconcileAction.IMPORT
            if held.database and held.owner
            else ReconcileAction.REPORT_INCOMPLETE,
            held.id,
            PgNames(held.database or "", held.owner or ""),
        )
        for held, (age, _) in zip(items, found, strict=True)
        if age >= SETTLING_TIME
    ]


@each_young
@pytest.mark.parametrize("database", [None, "sales"])
def test_young_items_are_not_drift(created_at: datetime, database: str | None) -> None:
    young = InventoryItem(id=create_id(created_at), database=database, owner="user_sales")
    old = replace(young, id=create_id(OLD_ENOUGH))

    assert find_item_drift([young], {}, NOW) == []
    assert list_actions(find_item_drift([old], {}, NOW)) == [
        ReconcileAction.IMPORT if database else ReconcileAction.REPORT_INCOMPLETE
    ]


def test_a_tombstone_is_dropped_unless_its_record_is_live() -> None:
    tombstone = InventoryItem(
        id=create_id(NOW), database=None, owner="tombstone", is_tombstone=True
    )
    gone_record = replace(record(State.DELETED), id=tombstone.id)

    for records in ({}, {tombstone.id: gone_record}):
        [drift] = find_item_drift([tombstone], records, NOW)
        assert (drift.action, drift.is_tombstone) == (ReconcileAction.DELETE_LEFTOVER, True)
    assert (
        find_item_drift(
            [tombstone], {tombstone.id: replace(gone_record, state=State.DELETING)}, NOW
        )
        == []
    )


@pytest.mark.parametrize("mark", ["", "stranger", "db_1", "db_" + "z" * 26])
def test_items_without_a_valid_id_are_ignored(mark: str) -> None:
    assert (
        find_item_drift([InventoryItem(id=mark, database="sales", owner="user_sales")], {}, NOW)
        == []
    )


@each_age
@pytest.mark.parametrize("state", sorted(GONE))
@given(parts)
def test_leftovers_of_deleted_databases_are_deleted(
    state: State, created_at: datetime, found: Parts
) -> None:
    gone_record = record(state, created_at=created_at).complete(Operation.DELETE, created_at)
    names = PgNames(found[0] or gone_record.names.database, found[1] or gone_record.names.owner)

    drifts = find_item_drift(
        [create_incomplete_item(gone_record, found)], {gone_record.id: gone_record}, NOW
    )

    assert drifts == [Drift(ReconcileAction.DELETE_LEFTOVER, gone_record.id, names)]


@each_age
@pytest.mark.parametrize("state", STATES_WITH_DATABASE)
@given(parts)
def test_a_missing_database_that_exists_is_imported(
    state: State, created_at: datetime, found: Parts
) -> None:
    missing = record(state, created_at=created_at).mark_missing()
    names = PgNames(found[0] or missing.names.database, found[1] or missing.names.owner)

    assert find_item_drift(
        [create_incomplete_item(missing, found)], {missing.id: missing}, NOW
    ) == [
        Drift(
            ReconcileAction.IMPORT if found[0] else ReconcileAction.REPORT_INCOMPLETE,
            missing.id,
            names,
        )
    ]


@given(st.sampled_from(sorted(LIVE)), parts)
def test_live_records_cover_their_items(state: State, found: Parts) -> None:
    live = record(state)
    assert find_item_drift([create_incomplete_item(live, found)], {live.id: live}, NOW) == []


@given(st.lists(states))
def test_matching_records_and_items_are_no_drift(found: list[State]) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    assert find_record_drift(records, [create_item(database) for database in records], NOW) == []


@given(st.lists(states), st.lists(parts))
def test_without_any_known_item_missing_databases_are_only_reported(
    found: list[State], others: list[Parts]
) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    items = [
        InventoryItem(id=create_id(NOW, number), database=database, owner=owner)
        for number, (database, owner) in enumerate(others)
    ]

    missing = [kept for kept in records if kept.state in STATES_WITH_DATABASE or kept.is_spare]
    assert [(drift.action, drift.id) for drift in find_record_drift(records, items, NOW)] == [
        (
            ReconcileAction.MARK_MISSING if kept.is_spare else ReconcileAction.REPORT_MISSING,
            kept.id,
        )
        for kept in missing
    ]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("witness", State)
def test_a_missing_database_is_marked_if_another_one_exists(state: State, witness: State) -> None:
    missing, there = record(state), record(witness, 1)
    is_certain = witness in LIVE or state is State.SPARE
    action = ReconcileAction.MARK_MISSING if is_certain else ReconcileAction.REPORT_MISSING

    drifts = find_record_drift([missing, there], [create_item(there)], NOW)

    assert drifts == (
        [Drift(action, missing.id, missing.names)]
        if state in {*STATES_WITH_DATABASE, State.SPARE}
        else []
    )


@given(st.lists(st.booleans(), min_size=1))
def test_a_database_older_than_all_existing_ones_is_only_reported(are_there: list[bool]) -> None:
    """The settings may name another server, on which databases were created since."""
    records = [
        record(State.READY, number, created_at=OLD_ENOUGH + number * SETTLING_TIME)
        for number in range(len(are_there))
    ]
    there = [database for database, is_there in zip(records, are_there, strict=True) if is_there]
    first = records.index(there[0]) if there else len(records)
    now = NOW + len(records) * SETTLING_TIME

    drifts = find_record_drift(records, [create_item(database) for database in there], now)

    missing = [database.id for database in records[first:] if database not in there]
    assert [(drift.action, drift.id) for drift in drifts] == [
        *((ReconcileAction.REPORT_MISSING, database.id) for database in records[:first]),
        *((ReconcileAction.MARK_MISSING, database_id) for database_id in missing),
    ]


@each_young
@pytest.mark.parametrize("has_other", [False, True])
def test_a_young_database_is_not_missing(created_at: datetime, has_other: bool) -> None:
    missing, there = record(State.READY, created_at=created_at), record(State.READY, 1)
    items = [create_item(there)] if has_other else []
    assert missing.id not in {drift.id for drift in find_record_drift([missing, there], items, NOW)}


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize(
    ("at", "found"), [(OLD_ENOUGH, [ReconcileAction.MARK_MISSING]), (YOUNG, [])]
)
def test_a_recently_changed_database_is_not_missing(
    operation: Operation, at: datetime, found: list[ReconcileAction]
) -> None:
    there = record(State.READY, 1, created_at=OLD_ENOUGH - SETTLING_TIME)
    missing = record(State.READY, created_at=OLD_ENOUGH - SETTLING_TIME).complete(operation, at)
    assert list_actions(find_record_drift([missing, there], [create_item(there)], NOW)) == found


def test_a_database_whose_operation_always_fails_can_be_missing() -> None:
    """For example, a rotation for a database that someone dropped; the role that is left shows that
    it is the right server."""
    missing = (
        record(State.READY)
        .start(Operation.ROTATE, OLD_ENOUGH)
        .fail(Operation.ROTATE, NOW, "It is gone.")
    )
    left = replace(create_item(missing), database=None)

    assert list_actions(find_record_drift([missing], [left], NOW)) == [ReconcileAction.MARK_MISSING]


@each_age
@pytest.mark.parametrize("state", STATES_WITH_DATABASE)
def test_a_renamed_database_is_drift_at_once(state: State, created_at: datetime) -> None:
    renamed = record(state, created_at=created_at)
    found = replace(create_item(renamed), database="other")

    assert find_record_drift([renamed], [found], NOW) == [
        Drift(ReconcileAction.RENAME, renamed.id, PgNames("other", renamed.names.owner))
    ]
    assert find_record_drift([renamed], [found, create_item(renamed)], NOW) == [], (
        "one of the two databases has the recorded name"
    )
