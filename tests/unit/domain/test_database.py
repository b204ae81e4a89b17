"""The record: its states, names and steps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.database import GONE, LEGAL, Database, State, Step, StepState
from domain.errors import IllegalTransition
from domain.naming import Nickname
from tests.support.records import new_record

THEN = datetime(2026, 1, 2, tzinfo=UTC)
LATER = THEN + timedelta(seconds=1)

EVERY_PAIR = list(product(State, State))


def in_state(state: State) -> Database:
    return replace(new_record(), state=state)


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
        ("provisioning", "failed"),
        ("provisioning", "retiring"),
        ("ready", "expired"),
        ("ready", "retiring"),
        ("expired", "ready"),
        ("expired", "retiring"),
        ("retiring", "retired"),
    }


def test_every_state_has_its_ways() -> None:
    assert set(LEGAL) == set(State)


def test_exactly_the_states_without_a_way_out_are_those_of_what_is_gone() -> None:
    assert {state for state in State if not LEGAL[state]} == GONE


@pytest.mark.parametrize("state", State)
def test_a_database_is_gone_when_nothing_of_it_is_left(state: State) -> None:
    assert in_state(state).is_gone == (state in {State.FAILED, State.RETIRED})


@pytest.mark.parametrize("state", State)
def test_what_exists_comes_to_its_end_only_by_retiring(state: State) -> None:
    assert (State.RETIRED in LEGAL[state]) == (state is State.RETIRING)


def test_names_change_while_nothing_exists() -> None:
    names = Nickname("another").names()

    assert new_record().renamed(names).names == names


@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING}))
def test_names_stay_once_something_exists(state: State) -> None:
    with pytest.raises(IllegalTransition, match="keeps its names"):
        in_state(state).renamed(Nickname("another").names())


def test_steps_stand_in_the_order_they_began_in() -> None:
    database = replace(new_record(), steps=())
    for name, state in [
        ("provision", StepState.RUNNING),
        ("verify", StepState.RUNNING),
        ("provision", StepState.DONE),
        ("retire", StepState.RUNNING),
    ]:
        database = database.with_step(name, state, LATER)

    assert [(step.name, step.state) for step in database.steps] == [
        ("provision", StepState.DONE),
        ("verify", StepState.RUNNING),
        ("retire", StepState.RUNNING),
    ]


def test_a_step_bears_the_time_of_its_latest_state() -> None:
    database = replace(new_record(), steps=(Step("verify", StepState.RUNNING, THEN),))

    ended = database.with_step("verify", StepState.DONE, LATER)

    assert ended.steps == (Step("verify", StepState.DONE, LATER),)


def test_only_steps_that_run_fail() -> None:
    done = Step("provision", StepState.DONE, THEN)
    running = Step("verify", StepState.RUNNING, THEN)

    failed = replace(new_record(), steps=(done, running)).with_running_steps_failed(LATER)

    assert failed.steps == (done, Step("verify", StepState.FAILED, LATER))


def test_a_change_makes_a_new_value() -> None:
    database = new_record()
    before = replace(database)

    database.moved(State.READY)
    database.with_step("verify", StepState.DONE, LATER)

    assert database == before


def test_the_tenant_is_known_by_the_id_and_lives_under_the_names() -> None:
    database = new_record()

    assert (database.tenant.id, database.tenant.names) == (database.id, database.names)
