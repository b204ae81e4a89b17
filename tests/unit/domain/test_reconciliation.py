"""Reconciliation: drift between records and provider, and the actions for records that are due."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.lifecycle import Work
from domain.names import Names
from domain.provisioning import Holding
from domain.reconciliation import SETTLED, Drift, Upkeep, due, misrecorded, unrecorded
from domain.states import GONE, LIVE, State
from tests.support.drift import NOW, OLD, SOMETHING, YOUNG, Parts, holding, id_of, parts, record

PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)

each_age = pytest.mark.parametrize("made", [OLD, NOW], ids=["old", "young"])
each_young = pytest.mark.parametrize("made", [YOUNG, NOW, NOW + timedelta(days=1)], ids=str)

states = st.sampled_from(State)


def actions(drifts: list[Drift]) -> list[Upkeep]:
    return [drift.kind for drift in drifts]


def item_of(database: Database, found: Parts) -> Holding:
    return Holding(id=database.id, database=found[0], owner=found[1])


@given(st.lists(st.tuples(st.timedeltas(timedelta(), 3 * SETTLED), parts), unique=True))
def test_without_a_record_only_complete_items_are_imported(
    found: list[tuple[timedelta, Parts]],
) -> None:
    holdings = [
        Holding(id=id_of(NOW - age, number), database=database, owner=owner)
        for number, (age, (database, owner)) in enumerate(found)
    ]

    assert unrecorded(holdings, {}, NOW) == [
        Drift(
            Upkeep.ADOPT if held.database and held.owner else Upkeep.DOUBT,
            held.id,
            Names(held.database or "", held.owner or ""),
        )
        for held, (age, _) in zip(holdings, found, strict=True)
        if age >= SETTLED
    ]


@each_young
@pytest.mark.parametrize("database", [None, "sales"])
def test_young_items_are_not_drift(made: datetime, database: str | None) -> None:
    young = Holding(id=id_of(made), database=database, owner="user_sales")
    old = replace(young, id=id_of(OLD))

    assert unrecorded([young], {}, NOW) == []
    assert actions(unrecorded([old], {}, NOW)) == [Upkeep.ADOPT if database else Upkeep.DOUBT]


def test_a_tombstone_is_dropped_unless_its_record_is_live() -> None:
    stone = Holding(id=id_of(NOW), database=None, owner="tombstone", is_tombstone=True)
    gone = replace(record(State.DELETED), id=stone.id)

    for records in ({}, {stone.id: gone}):
        [drift] = unrecorded([stone], records, NOW)
        assert (drift.kind, drift.is_tombstone) == (Upkeep.REMOVE, True)
    assert unrecorded([stone], {stone.id: replace(gone, state=State.DELETING)}, NOW) == []


@pytest.mark.parametrize("mark", ["", "stranger", "db_1", "db_" + "z" * 26])
def test_items_without_a_valid_id_are_ignored(mark: str) -> None:
    assert unrecorded([Holding(id=mark, database="sales", owner="user_sales")], {}, NOW) == []


@each_age
@pytest.mark.parametrize("state", sorted(GONE))
@given(parts)
def test_leftovers_of_gone_databases_are_deleted(
    state: State, made: datetime, found: Parts
) -> None:
    gone = record(state, made=made).did(Work.DELETE, made)
    names = Names(found[0] or gone.names.database, found[1] or gone.names.owner)

    drifts = unrecorded([item_of(gone, found)], {gone.id: gone}, NOW)

    assert drifts == [Drift(Upkeep.REMOVE, gone.id, names)]


@each_age
@pytest.mark.parametrize("state", SOMETHING)
@given(parts)
def test_a_missing_database_that_exists_is_imported(
    state: State, made: datetime, found: Parts
) -> None:
    missing = record(state, made=made).lost()
    names = Names(found[0] or missing.names.database, found[1] or missing.names.owner)

    assert unrecorded([item_of(missing, found)], {missing.id: missing}, NOW) == [
        Drift(Upkeep.ADOPT if found[0] else Upkeep.DOUBT, missing.id, names)
    ]


@given(st.sampled_from(sorted(LIVE)), parts)
def test_live_records_cover_their_items(state: State, found: Parts) -> None:
    live = record(state)
    assert unrecorded([item_of(live, found)], {live.id: live}, NOW) == []


@given(st.lists(states))
def test_matching_records_and_items_are_no_drift(found: list[State]) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    assert misrecorded(records, [holding(database) for database in records], NOW) == []


@given(st.lists(states), st.lists(parts))
def test_without_any_known_item_missing_databases_are_only_reported(
    found: list[State], others: list[Parts]
) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    holdings = [
        Holding(id=id_of(NOW, number), database=database, owner=owner)
        for number, (database, owner) in enumerate(others)
    ]

    missing = [kept.id for kept in records if kept.state in SOMETHING]
    assert [(drift.kind, drift.id) for drift in misrecorded(records, holdings, NOW)] == [
        (Upkeep.MISS, database_id) for database_id in missing
    ]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("witness", State)
def test_a_missing_database_is_marked_if_another_one_exists(state: State, witness: State) -> None:
    missing, there = record(state), record(witness, 1)
    kind = Upkeep.FORGET if witness in LIVE else Upkeep.MISS

    drifts = misrecorded([missing, there], [holding(there)], NOW)

    assert drifts == ([Drift(kind, missing.id, missing.names)] if state in SOMETHING else [])


@given(st.lists(st.booleans(), min_size=1))
def test_a_database_older_than_all_existing_ones_is_only_reported(are_there: list[bool]) -> None:
    """The settings may name another server, on which databases were created since."""
    records = [
        record(State.READY, number, made=OLD + number * SETTLED) for number in range(len(are_there))
    ]
    there = [database for database, is_there in zip(records, are_there, strict=True) if is_there]
    first = records.index(there[0]) if there else len(records)
    now = NOW + len(records) * SETTLED

    drifts = misrecorded(records, [holding(database) for database in there], now)

    missing = [database.id for database in records[first:] if database not in there]
    assert [(drift.kind, drift.id) for drift in drifts] == [
        *((Upkeep.MISS, database.id) for database in records[:first]),
        *((Upkeep.FORGET, database_id) for database_id in missing),
    ]


@each_young
@pytest.mark.parametrize("has_other", [False, True])
def test_a_young_database_is_not_missing(made: datetime, has_other: bool) -> None:
    missing, there = record(State.READY, made=made), record(State.READY, 1)
    holdings = [holding(there)] if has_other else []
    assert missing.id not in {drift.id for drift in misrecorded([missing, there], holdings, NOW)}


@pytest.mark.parametrize("operation", Work)
@pytest.mark.parametrize(("at", "found"), [(OLD, [Upkeep.FORGET]), (YOUNG, [])])
def test_a_recently_changed_database_is_not_missing(
    operation: Work, at: datetime, found: list[Upkeep]
) -> None:
    there = record(State.READY, 1, made=OLD - SETTLED)
    missing = record(State.READY, made=OLD - SETTLED).did(operation, at)
    assert actions(misrecorded([missing, there], [holding(there)], NOW)) == found


def test_a_database_whose_operation_always_fails_can_be_missing() -> None:
    """For example, a rotation for a database that someone dropped; the role that is left shows that
    it is the right server."""
    missing = record(State.READY).began(Work.ROTATE, OLD).missed(Work.ROTATE, NOW, "It is gone.")
    left = replace(holding(missing), database=None)

    assert actions(misrecorded([missing], [left], NOW)) == [Upkeep.FORGET]


@each_age
@pytest.mark.parametrize("state", SOMETHING)
def test_a_renamed_database_is_drift_at_once(state: State, made: datetime) -> None:
    renamed = record(state, made=made)
    found = replace(holding(renamed), database="other")

    assert misrecorded([renamed], [found], NOW) == [
        Drift(Upkeep.RENAME, renamed.id, Names("other", renamed.names.owner))
    ]
    assert misrecorded([renamed], [found, holding(renamed)], NOW) == [], (
        "one of the two databases has the recorded name"
    )


def pending_record(
    state: State, *pending: Work, ends: datetime | None = None, promised: bool = False
) -> Database:
    made = record(state, made=PAST)
    for operation in pending:
        made = made.began(operation, PAST)
    return replace(made, expires_at=ends, promised=promised)


DUE: list[tuple[Database, Upkeep | None]] = [
    (pending_record(State.PROVISIONING), Upkeep.UNDO),
    (pending_record(State.PROVISIONING, promised=True), Upkeep.FINISH),
    (pending_record(State.DELETING, Work.DELETE), Upkeep.DELETE),
    (pending_record(State.DELETING, Work.DELETE, ends=PAST), Upkeep.DELETE),
    (pending_record(State.READY), None),
    (pending_record(State.READY, ends=FUTURE), None),
    (pending_record(State.READY, ends=NOW), Upkeep.EXPIRE),
    (pending_record(State.READY, Work.ROTATE), Upkeep.ROTATE),
    (pending_record(State.READY, Work.ROTATE, ends=FUTURE), Upkeep.ROTATE),
    (pending_record(State.READY, Work.ROTATE, ends=PAST), Upkeep.EXPIRE),
    (pending_record(State.READY, Work.CONFINE), Upkeep.CONFINE),
    (pending_record(State.READY, Work.RELEASE), Upkeep.RELEASE),
    (pending_record(State.READY, Work.CONFINE, ends=PAST), Upkeep.EXPIRE),
    (pending_record(State.READY, Work.CONFINE, Work.ROTATE), Upkeep.ROTATE),
    (pending_record(State.EXPIRED, Work.CONFINE, ends=FUTURE), None),
    (pending_record(State.EXPIRED, ends=PAST), Upkeep.EXPIRE),
    (pending_record(State.EXPIRED, Work.SUSPEND, ends=PAST), Upkeep.EXPIRE),
    (pending_record(State.EXPIRED, Work.RESTORE), Upkeep.RESTORE),
    (pending_record(State.EXPIRED, Work.RESTORE, ends=FUTURE), Upkeep.RESTORE),
    (pending_record(State.EXPIRED, Work.RESTORE, ends=PAST), Upkeep.EXPIRE),
    (pending_record(State.EXPIRED, ends=FUTURE), None),
]


@pytest.mark.parametrize(("database", "action"), DUE)
def test_the_action_of_a_due_record(database: Database, action: Upkeep | None) -> None:
    assert due(database, NOW) is action


@pytest.mark.parametrize("state", sorted(GONE))
@given(st.sampled_from(Work), st.sampled_from([None, PAST, FUTURE]), st.booleans())
def test_a_gone_record_has_no_action(
    state: State, pending: Work, ends: datetime | None, promised: bool
) -> None:
    assert due(pending_record(state, pending, ends=ends, promised=promised), NOW) is None
