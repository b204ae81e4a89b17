"""What is recorded, and is not there, or not under its name."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.naming import Names
from domain.order import Holding
from domain.states import LIVE, State
from domain.steps import Work
from domain.upkeep import SETTLED, Drift, Upkeep, misrecorded
from tests.support.drift import (
    NOW,
    OLD,
    SOMETHING,
    YOUNG,
    holding,
    id_of,
    kinds,
    parts,
    record,
)

states = st.sampled_from(State)


@given(st.lists(states))
def test_where_all_is_in_place_nothing_is_misrecorded(found: list[State]) -> None:
    records = [record(state, number) for number, state in enumerate(found)]

    assert misrecorded(records, [holding(database) for database in records], NOW) == []


@given(st.lists(states), st.lists(parts))
def test_where_nothing_that_is_recorded_is_there_it_may_be_another_server(
    found: list[State], others: list[tuple[str | None, str | None]]
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


@pytest.mark.parametrize("state", SOMETHING)
@pytest.mark.parametrize("witness", sorted(LIVE))
def test_what_is_missing_beside_something_that_is_there_is_forgotten(
    state: State, witness: State
) -> None:
    missing, there = record(state), record(witness, 1)

    drifts = misrecorded([missing, there], [holding(there)], NOW)

    assert drifts == [Drift(Upkeep.FORGET, missing.id, missing.names)]


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


@pytest.mark.parametrize("is_beside_something", [False, True])
@pytest.mark.parametrize("made", [YOUNG, NOW, NOW + timedelta(days=1)], ids=str)
def test_what_is_young_may_not_be_listed_yet(made: datetime, is_beside_something: bool) -> None:
    missing, there = record(State.READY, made=made), record(State.READY, 1)
    holdings = [holding(there)] if is_beside_something else []

    assert missing.id not in {drift.id for drift in misrecorded([missing, there], holdings, NOW)}


@pytest.mark.parametrize("work", Work)
@pytest.mark.parametrize(("at", "found"), [(OLD, [Upkeep.FORGET]), (YOUNG, [])])
def test_what_was_worked_on_lately_may_not_be_listed_as_it_is(
    work: Work, at: datetime, found: list[Upkeep]
) -> None:
    there = record(State.READY, 1, made=OLD - SETTLED)
    missing = record(State.READY, made=OLD - SETTLED).did(work, at)

    assert kinds(misrecorded([missing, there], [holding(there)], NOW)) == found


def test_what_only_fails_again_and_again_is_forgotten_all_the_same() -> None:
    """A new password, say, for what somebody has dropped."""
    there = record(State.READY, 1)
    missing = record(State.READY).began(Work.ROTATE, OLD).missed(Work.ROTATE, NOW, "It is gone.")

    assert kinds(misrecorded([missing, there], [holding(there)], NOW)) == [Upkeep.FORGET]


def test_a_new_name_is_known_at_once() -> None:
    renamed = record(State.READY, made=NOW)
    found = replace(holding(renamed), database="other")

    assert kinds(misrecorded([renamed], [found], NOW)) == [Upkeep.RENAME]


def test_a_role_that_is_left_of_it_shows_that_the_server_is_the_right_one() -> None:
    missing = record(State.READY)
    left = replace(holding(missing), database=None)

    assert kinds(misrecorded([missing], [left], NOW)) == [Upkeep.FORGET]


def test_what_is_gone_shows_nothing() -> None:
    missing, gone = record(State.READY), record(State.RETIRED, 1)

    assert kinds(misrecorded([missing, gone], [holding(gone)], NOW)) == [Upkeep.MISS]


@pytest.mark.parametrize("state", [State.PROVISIONING, State.RETIRING])
def test_what_is_being_made_or_dropped_may_be_missing(state: State) -> None:
    missing, there = record(state), record(State.READY, 1)

    assert misrecorded([missing, there], [holding(there)], NOW) == []


@pytest.mark.parametrize("state", SOMETHING)
def test_what_was_renamed_is_found_under_its_name(state: State) -> None:
    renamed = record(state)
    found = replace(holding(renamed), database="other")

    assert misrecorded([renamed], [found], NOW) == [
        Drift(Upkeep.RENAME, renamed.id, Names("other", renamed.names.owner))
    ]


def test_further_databases_of_the_same_tenant_are_its_own_affair() -> None:
    database = record(State.READY)
    second = replace(holding(database), database="another")

    assert misrecorded([database], [second, holding(database)], NOW) == []
