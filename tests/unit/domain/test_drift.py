"""What is there without a record that says so."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.naming import Names
from domain.order import Holding
from domain.states import GONE, LIVE, State
from domain.upkeep import SETTLED, Drift, Upkeep, unrecorded
from tests.support.drift import NOW, OLD, YOUNG, dropped, holding, id_of, kinds, parts, record

SALES = Names(database="sales", owner="user_sales")

ages = st.timedeltas(timedelta(), 3 * SETTLED)


def test_what_no_record_knows_is_adopted_under_its_names() -> None:
    unknown = Holding(id=id_of(OLD), database="sales", owner="user_sales")

    assert unrecorded([unknown], {}, NOW) == [Drift(Upkeep.ADOPT, unknown.id, SALES)]


@pytest.mark.parametrize(("database", "owner"), [(None, "user_sales"), ("sales", None)])
def test_of_what_is_not_whole_and_has_no_record_nobody_knows_what_it_is(
    database: str | None, owner: str | None
) -> None:
    half = Holding(id=id_of(OLD), database=database, owner=owner)

    assert unrecorded([half], {}, NOW) == [
        Drift(Upkeep.DOUBT, half.id, Names(database=database or "", owner=owner or ""))
    ]


@given(st.lists(st.tuples(ages, parts), unique=True))
def test_without_a_record_nothing_is_ever_removed_and_nothing_young_is_looked_at(
    found: list[tuple[timedelta, tuple[str | None, str | None]]],
) -> None:
    holdings = [
        Holding(id=id_of(NOW - age, number), database=database, owner=owner)
        for number, (age, (database, owner)) in enumerate(found)
    ]
    wholes = {held.id: bool(held.database and held.owner) for held in holdings}
    old = {held.id for held, (age, _) in zip(holdings, found, strict=True) if age >= SETTLED}

    drifts = unrecorded(holdings, {}, NOW)

    assert {drift.id for drift in drifts} == old
    for drift in drifts:
        assert drift.kind is (Upkeep.ADOPT if wholes[drift.id] else Upkeep.DOUBT)


@pytest.mark.parametrize("made", [YOUNG, NOW, NOW + timedelta(days=1)], ids=str)
@pytest.mark.parametrize("database", [None, "sales"])
def test_what_is_young_may_be_another_services(made: datetime, database: str | None) -> None:
    young = Holding(id=id_of(made), database=database, owner="user_sales")

    assert unrecorded([young], {}, NOW) == []


@pytest.mark.parametrize("mark", ["", "stranger", "db_1", "db_" + "z" * 26])
def test_a_mark_that_bears_no_id_of_ours_is_left_alone(mark: str) -> None:
    assert unrecorded([Holding(id=mark, database="sales", owner="user_sales")], {}, NOW) == []


@pytest.mark.parametrize("made", [OLD, NOW], ids=str)
@pytest.mark.parametrize("state", sorted(GONE))
def test_what_is_left_of_what_is_gone_is_removed(state: State, made: datetime) -> None:
    gone = dropped(state, made=made)

    drifts = unrecorded([holding(gone)], {gone.id: gone}, NOW)

    assert drifts == [Drift(Upkeep.REMOVE, gone.id, gone.names)]


@given(parts)
def test_a_missing_part_of_what_is_gone_is_named_by_its_record(
    found: tuple[str | None, str | None],
) -> None:
    gone = dropped(State.RETIRED)
    names = Names(found[0] or gone.names.database, found[1] or gone.names.owner)
    left = Holding(id=gone.id, database=found[0], owner=found[1])

    assert unrecorded([left], {gone.id: gone}, NOW) == [Drift(Upkeep.REMOVE, gone.id, names)]


@pytest.mark.parametrize("made", [OLD, NOW], ids=str)
@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
def test_what_was_lost_and_is_there_again_is_taken_back(state: State, made: datetime) -> None:
    lost = record(state, made=made).lost()

    drifts = unrecorded([holding(lost)], {lost.id: lost}, NOW)

    assert drifts == [Drift(Upkeep.ADOPT, lost.id, lost.names)]


def test_what_was_lost_is_taken_back_under_the_name_that_it_has_now() -> None:
    lost = record(State.READY).lost()
    found = replace(holding(lost), database="renamed", owner=None)

    assert unrecorded([found], {lost.id: lost}, NOW) == [
        Drift(Upkeep.ADOPT, lost.id, Names("renamed", lost.names.owner))
    ]


def test_a_role_that_is_left_of_what_was_lost_is_told() -> None:
    lost = record(State.READY).lost()
    left = replace(holding(lost), database=None)

    assert kinds(unrecorded([left], {lost.id: lost}, NOW)) == [Upkeep.DOUBT]


@given(st.sampled_from(sorted(LIVE)), parts)
def test_what_its_record_knows_as_live_is_not_unrecorded(
    state: State, found: tuple[str | None, str | None]
) -> None:
    live = record(state)
    part = Holding(id=live.id, database=found[0], owner=found[1])

    assert unrecorded([part], {live.id: live}, NOW) == []
