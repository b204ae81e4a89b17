"""What differs between the records and what is there, and what the sweep has to do for a record."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.naming import Names
from domain.order import Holding
from domain.states import GONE, LIVE, State
from domain.steps import Work
from domain.upkeep import SETTLED, Drift, Upkeep, due, misrecorded, unrecorded
from tests.support.drift import NOW, OLD, SOMETHING, YOUNG, Parts, holding, id_of, parts, record

PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)

each_age = pytest.mark.parametrize("made", [OLD, NOW], ids=["old", "young"])
each_young = pytest.mark.parametrize("made", [YOUNG, NOW, NOW + timedelta(days=1)], ids=str)

states = st.sampled_from(State)


def kinds(drifts: list[Drift]) -> list[Upkeep]:
    return [drift.kind for drift in drifts]


def found_of(database: Database, found: Parts) -> Holding:
    return Holding(id=database.id, database=found[0], owner=found[1])


@given(st.lists(st.tuples(st.timedeltas(timedelta(), 3 * SETTLED), parts), unique=True))
def test_without_a_record_only_what_is_whole_is_adopted(
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
def test_what_is_young_may_be_another_services(made: datetime, database: str | None) -> None:
    young = Holding(id=id_of(made), database=database, owner="user_sales")
    old = replace(young, id=id_of(OLD))

    assert unrecorded([young], {}, NOW) == []
    assert kinds(unrecorded([old], {}, NOW)) == [Upkeep.ADOPT if database else Upkeep.DOUBT]


def test_a_tombstone_goes_unless_its_record_lives() -> None:
    stone = Holding(id=id_of(NOW), database=None, owner="tombstone", is_tombstone=True)
    gone = replace(record(State.DELETED), id=stone.id)

    for records in ({}, {stone.id: gone}):
        [drift] = unrecorded([stone], records, NOW)
        assert (drift.kind, drift.is_tombstone) == (Upkeep.REMOVE, True)
    assert unrecorded([stone], {stone.id: replace(gone, state=State.DELETING)}, NOW) == []


@pytest.mark.parametrize("mark", ["", "stranger", "db_1", "db_" + "z" * 26])
def test_a_mark_that_bears_no_id_of_ours_is_left_alone(mark: str) -> None:
    assert unrecorded([Holding(id=mark, database="sales", owner="user_sales")], {}, NOW) == []


@each_age
@pytest.mark.parametrize("state", sorted(GONE))
@given(parts)
def test_what_is_left_of_what_is_gone_is_removed(
    state: State, made: datetime, found: Parts
) -> None:
    gone = record(state, made=made).did(Work.DELETE, made)
    names = Names(found[0] or gone.names.database, found[1] or gone.names.owner)

    drifts = unrecorded([found_of(gone, found)], {gone.id: gone}, NOW)

    assert drifts == [Drift(Upkeep.REMOVE, gone.id, names)]


@each_age
@pytest.mark.parametrize("state", SOMETHING)
@given(parts)
def test_what_was_lost_is_taken_back_by_its_database(
    state: State, made: datetime, found: Parts
) -> None:
    lost = record(state, made=made).lost()
    names = Names(found[0] or lost.names.database, found[1] or lost.names.owner)

    assert unrecorded([found_of(lost, found)], {lost.id: lost}, NOW) == [
        Drift(Upkeep.ADOPT if found[0] else Upkeep.DOUBT, lost.id, names)
    ]


@given(st.sampled_from(sorted(LIVE)), parts)
def test_what_its_record_knows_as_live_is_not_unrecorded(state: State, found: Parts) -> None:
    live = record(state)
    assert unrecorded([found_of(live, found)], {live.id: live}, NOW) == []


@given(st.lists(states))
def test_where_all_is_in_place_nothing_is_misrecorded(found: list[State]) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    assert misrecorded(records, [holding(database) for database in records], NOW) == []


@given(st.lists(states), st.lists(parts))
def test_where_nothing_is_there_it_may_be_another_server(
    found: list[State], others: list[Parts]
) -> None:
    records = [record(state, number) for number, state in enumerate(found)]
    holdings = [
        Holding(id=id_of(NOW, number), database=database, owner=owner)
        for number, (database, owner) in enumerate(others)
    ]

    missed = [kept.id for kept in records if kept.state in SOMETHING]
    assert [(drift.kind, drift.id) for drift in misrecorded(records, holdings, NOW)] == [
        (Upkeep.MISS, database_id) for database_id in missed
    ]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("witness", State)
def test_what_is_missing_beside_what_is_there_is_forgotten(state: State, witness: State) -> None:
    missing, there = record(state), record(witness, 1)
    kind = Upkeep.FORGET if witness in LIVE else Upkeep.MISS

    drifts = misrecorded([missing, there], [holding(there)], NOW)

    assert drifts == ([Drift(kind, missing.id, missing.names)] if state in SOMETHING else [])


@given(st.lists(st.booleans(), min_size=1))
def test_nothing_is_forgotten_that_is_older_than_all_that_is_there(are_there: list[bool]) -> None:
    """We were pointed at another server, and have made databases on it since."""
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
@pytest.mark.parametrize("is_beside_something", [False, True])
def test_what_is_young_may_not_be_listed_yet(made: datetime, is_beside_something: bool) -> None:
    missing, there = record(State.READY, made=made), record(State.READY, 1)
    holdings = [holding(there)] if is_beside_something else []
    assert missing.id not in {drift.id for drift in misrecorded([missing, there], holdings, NOW)}


@pytest.mark.parametrize("work", Work)
@pytest.mark.parametrize(("at", "found"), [(OLD, [Upkeep.FORGET]), (YOUNG, [])])
def test_what_was_worked_on_lately_may_be_unlisted(
    work: Work, at: datetime, found: list[Upkeep]
) -> None:
    there = record(State.READY, 1, made=OLD - SETTLED)
    missing = record(State.READY, made=OLD - SETTLED).did(work, at)
    assert kinds(misrecorded([missing, there], [holding(there)], NOW)) == found


def test_what_only_fails_again_and_again_is_forgotten_all_the_same() -> None:
    """A new password, say, for what somebody has dropped; the role that is left shows that the
    server is the right one."""
    missing = record(State.READY).began(Work.ROTATE, OLD).missed(Work.ROTATE, NOW, "It is gone.")
    left = replace(holding(missing), database=None)

    assert kinds(misrecorded([missing], [left], NOW)) == [Upkeep.FORGET]


@each_age
@pytest.mark.parametrize("state", SOMETHING)
def test_what_was_renamed_is_found_under_its_name_at_once(state: State, made: datetime) -> None:
    renamed = record(state, made=made)
    found = replace(holding(renamed), database="other")

    assert misrecorded([renamed], [found], NOW) == [
        Drift(Upkeep.RENAME, renamed.id, Names("other", renamed.names.owner))
    ]
    assert misrecorded([renamed], [found, holding(renamed)], NOW) == [], "it has two databases"


def begun(
    state: State, *pending: Work, ends: datetime | None = None, promised: bool = False
) -> Database:
    made = record(state, made=PAST)
    for work in pending:
        made = made.began(work, PAST)
    return replace(made, expires_at=ends, promised=promised)


DUE: list[tuple[Database, Upkeep | None]] = [
    (begun(State.PROVISIONING), Upkeep.UNDO),
    (begun(State.PROVISIONING, promised=True), Upkeep.FINISH),
    (begun(State.DELETING, Work.DELETE), Upkeep.DELETE),
    (begun(State.DELETING, Work.DELETE, ends=PAST), Upkeep.DELETE),
    (begun(State.READY), None),
    (begun(State.READY, ends=FUTURE), None),
    (begun(State.READY, ends=NOW), Upkeep.EXPIRE),
    (begun(State.READY, Work.ROTATE), Upkeep.ROTATE),
    (begun(State.READY, Work.ROTATE, ends=FUTURE), Upkeep.ROTATE),
    (begun(State.READY, Work.ROTATE, ends=PAST), Upkeep.EXPIRE),
    (begun(State.READY, Work.CONFINE), Upkeep.CONFINE),
    (begun(State.READY, Work.RELEASE), Upkeep.RELEASE),
    (begun(State.READY, Work.CONFINE, ends=PAST), Upkeep.EXPIRE),
    (begun(State.READY, Work.CONFINE, Work.ROTATE), Upkeep.ROTATE),
    (begun(State.EXPIRED, Work.CONFINE, ends=FUTURE), None),
    (begun(State.EXPIRED, ends=PAST), Upkeep.EXPIRE),
    (begun(State.EXPIRED, Work.SUSPEND, ends=PAST), Upkeep.EXPIRE),
    (begun(State.EXPIRED, Work.RESTORE), Upkeep.RESTORE),
    (begun(State.EXPIRED, Work.RESTORE, ends=FUTURE), Upkeep.RESTORE),
    (begun(State.EXPIRED, Work.RESTORE, ends=PAST), Upkeep.EXPIRE),
    (begun(State.EXPIRED, ends=FUTURE), None),
]


@pytest.mark.parametrize(("database", "upkeep"), DUE)
def test_what_is_due_is_done(database: Database, upkeep: Upkeep | None) -> None:
    assert due(database, NOW) is upkeep


@pytest.mark.parametrize("state", sorted(GONE))
@given(st.sampled_from(Work), st.sampled_from([None, PAST, FUTURE]), st.booleans())
def test_nothing_is_done_for_what_is_gone(
    state: State, pending: Work, ends: datetime | None, promised: bool
) -> None:
    assert due(begun(state, pending, ends=ends, promised=promised), NOW) is None
