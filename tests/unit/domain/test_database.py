"""The record: its states, names and bounds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.database import Database
from domain.errors import IllegalTransition, InFlight, OtherTarget
from domain.naming import Nickname
from domain.states import GONE, LEGAL, LIVE, State
from domain.steps import Work
from tests.support.orders import deriver
from tests.support.records import ELSEWHERE, TARGET, new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)

EVERY_PAIR = list(product(State, State))


def in_state(state: State, *, ends: datetime | None = None) -> Database:
    return replace(new_record(made=NOW), state=state, expires_at=ends)


@pytest.mark.parametrize(("before", "after"), EVERY_PAIR)
def test_only_a_legal_way_leads_from_state_to_state(before: State, after: State) -> None:
    database = in_state(before)

    if after in LEGAL[before]:
        assert database.moved(after) == replace(database, state=after)
    else:
        with pytest.raises(IllegalTransition, match=f"is {before} and cannot become {after}"):
            database.moved(after)


def test_the_legal_ways_are_these() -> None:
    ways = {(before.value, after.value) for before, afters in LEGAL.items() for after in afters}

    assert ways == {
        ("provisioning", "ready"),
        ("provisioning", "retiring"),
        ("ready", "expired"),
        ("ready", "retiring"),
        ("expired", "ready"),
        ("expired", "retiring"),
        ("retiring", "retired"),
        ("retiring", "failed"),
    }


def test_every_state_has_its_ways() -> None:
    assert set(LEGAL) == set(State)


def test_exactly_the_states_without_a_way_out_are_those_of_what_is_gone() -> None:
    assert {state for state in State if not LEGAL[state]} == GONE


def test_what_is_not_gone_is_live() -> None:
    assert set(State) == LIVE | GONE
    assert not LIVE & GONE


@pytest.mark.parametrize("state", State)
def test_a_database_is_gone_when_nothing_of_it_is_left(state: State) -> None:
    assert in_state(state).is_gone == (state in {State.FAILED, State.RETIRED})


@pytest.mark.parametrize("state", State)
def test_what_exists_comes_to_its_end_only_by_retiring(state: State) -> None:
    assert bool(GONE & LEGAL[state]) == (state is State.RETIRING)


def test_names_change_while_nothing_exists() -> None:
    names = Nickname("another").names()

    assert new_record().renamed(names).names == names


@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING}))
def test_names_stay_once_something_exists(state: State) -> None:
    with pytest.raises(IllegalTransition, match="keeps its names"):
        in_state(state).renamed(Nickname("another").names())


@pytest.mark.parametrize("state", State)
def test_names_are_recorded_as_they_are_found(state: State) -> None:
    names = Nickname("another").names()

    assert in_state(state).found_as(names).names == names


def test_a_change_makes_a_new_value() -> None:
    database = new_record()
    before = replace(database)

    database.moved(State.READY)
    database.began(Work.VERIFY, NOW)
    database.given_up(NOW, "No.")

    assert database == before


def test_the_tenant_is_known_by_the_id_and_lives_under_the_names() -> None:
    database = new_record()

    assert (database.tenant.id, database.tenant.names) == (database.id, database.names)


@pytest.mark.parametrize("rotation", [0, 1, 7])
def test_an_order_bears_the_password_of_the_latest_rotation(rotation: int) -> None:
    database = replace(new_record(), rotation=rotation, extensions=("vector",))

    order = database.order(deriver)

    assert order.tenant == database.tenant
    assert order.password == deriver(database.id, rotation)
    assert order.extensions == ("vector",)


@pytest.mark.parametrize(
    ("ends", "is_over"),
    [(None, False), (NOW + SECOND, False), (NOW, True), (NOW - SECOND, True)],
)
def test_a_database_is_over_from_its_end_on(ends: datetime | None, is_over: bool) -> None:
    assert in_state(State.READY, ends=ends).is_over(NOW) == is_over


@pytest.mark.parametrize("ends", [None, NOW + SECOND])
def test_what_is_ready_and_not_over_is_usable(ends: datetime | None) -> None:
    in_state(State.READY, ends=ends).check_usable(NOW)


@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING, State.READY}))
def test_what_is_not_ready_is_not_usable(state: State) -> None:
    with pytest.raises(IllegalTransition, match=f"is {state}, not ready"):
        in_state(state).check_usable(NOW)


@pytest.mark.parametrize("ends", [None, NOW, NOW + SECOND])
def test_what_is_being_made_is_usable_soon(ends: datetime | None) -> None:
    with pytest.raises(InFlight, match="is being made"):
        in_state(State.PROVISIONING, ends=ends).check_usable(NOW)


def test_what_is_over_counts_as_expired_before_anybody_saw_to_it() -> None:
    with pytest.raises(IllegalTransition, match="is expired, not ready"):
        in_state(State.READY, ends=NOW).check_usable(NOW)


def test_the_password_is_known_between_two_rotations() -> None:
    ready = in_state(State.READY)

    ready.check_known(NOW)
    ready.began(Work.ROTATE, NOW).did(Work.ROTATE, NOW).check_known(NOW)


def test_nobody_knows_the_password_while_it_is_changed() -> None:
    rotating = in_state(State.READY).began(Work.ROTATE, NOW)

    for database in (rotating, rotating.missed(Work.ROTATE, NOW, "No.")):
        with pytest.raises(InFlight):
            database.check_known(NOW)


def test_a_database_is_of_the_target_that_it_was_made_on() -> None:
    new_record(target=TARGET).check_target(TARGET)


def test_a_target_is_known_by_its_name() -> None:
    new_record(target=TARGET).check_target(replace(TARGET, provider="another"))


def test_a_database_of_another_target_is_refused_and_both_are_named() -> None:
    with pytest.raises(OtherTarget, match=r"made on 'elsewhere'.* works on 'here' now"):
        new_record(target=ELSEWHERE).check_target(TARGET)
