"""The record: its states, names and bounds; lost, and found again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.database import Database
from domain.errors import IllegalTransition, InFlight, OtherTarget
from domain.naming import Nickname
from domain.states import GONE, LEGAL, LIVE, State
from domain.steps import AT_ONCE, Work
from tests.support.orders import deriver
from tests.support.records import ELSEWHERE, TARGET, new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
NAMES = Nickname("another").names()

each = pytest.mark.parametrize("state", State)


def in_state(state: State, *, ends: datetime | None = None) -> Database:
    return replace(new_record(made=NOW, state=state), expires_at=ends).did(Work.PROVISION, NOW)


@pytest.mark.parametrize(("before", "after"), [*product(State, State)])
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
        *(("provisioning", after) for after in ("ready", "deleting")),
        *(("ready", after) for after in ("expired", "deleting")),
        *(("expired", after) for after in ("ready", "deleting")),
        *(("deleting", after) for after in ("deleted", "failed")),
    }
    assert set(LEGAL) == set(State)


@each
def test_a_database_is_gone_where_no_way_leads_on_and_live_elsewhere(state: State) -> None:
    is_gone = state in {State.FAILED, State.DELETED}
    assert in_state(state).is_gone == (state in GONE) == (not LEGAL[state]) == is_gone
    assert (state in LIVE) != is_gone


@each
def test_names_change_while_nothing_exists_or_as_they_are_found(state: State) -> None:
    database = in_state(state)

    assert database.found_as(NAMES).names == NAMES
    if state is State.PROVISIONING:
        assert database.renamed(NAMES).names == NAMES
    else:
        with pytest.raises(IllegalTransition, match="keeps its names"):
            database.renamed(NAMES)


@pytest.mark.parametrize("rotation", [0, 1, 7])
def test_an_order_is_for_the_tenant_with_the_password_of_the_latest_rotation(rotation: int) -> None:
    database = replace(new_record(), rotation=rotation, extensions=("vector",))

    order = database.order(deriver)

    assert (order.tenant.id, order.tenant.names) == (database.id, database.names)
    assert order.password == deriver(database.id, rotation)
    assert order.extensions == ("vector",)


@each
@pytest.mark.parametrize(
    ("ends", "is_over"), [(None, False), (LATER, False), (NOW, True), (NOW - (LATER - NOW), True)]
)
def test_what_is_ready_and_not_over_is_usable_and_what_is_being_made_soon(
    state: State, ends: datetime | None, is_over: bool
) -> None:
    database = in_state(state, ends=ends)

    assert database.is_over(NOW) == is_over
    if state is State.PROVISIONING:
        with pytest.raises(InFlight, match="is provisioning"):
            database.check_usable(NOW)
    elif state is State.READY and not is_over:
        database.check_usable(NOW)
    else:
        shown = State.EXPIRED if state is State.READY else state
        with pytest.raises(IllegalTransition, match=f"is {shown}, not ready"):
            database.check_usable(NOW)


def test_nobody_knows_the_password_while_it_is_changed() -> None:
    ready = in_state(State.READY)
    rotating = ready.began(Work.ROTATE, NOW)

    ready.check_known(NOW)
    rotating.did(Work.ROTATE, NOW).check_known(NOW)
    for database in (rotating, rotating.missed(Work.ROTATE, NOW, "No.")):
        with pytest.raises(InFlight):
            database.check_known(NOW)


def test_a_database_is_of_the_target_of_that_name_and_refused_on_another() -> None:
    new_record(target=TARGET).check_target(replace(TARGET, provider="another"))
    with pytest.raises(OtherTarget, match=r"on 'elsewhere'.* now uses 'here'"):
        new_record(target=ELSEWHERE).check_target(TARGET)


@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
@pytest.mark.parametrize("ends", [None, LATER])
def test_what_is_lost_is_gone_until_it_is_found_again(state: State, ends: datetime | None) -> None:
    lost = in_state(state, ends=ends).lost()

    assert (lost.is_gone, lost.is_lost, lost.is_at_rest, lost.wake_at) == (True, True, True, None)
    found = lost.found_again(NAMES)
    assert (found.state, found.names, found.expires_at) == (State.READY, NAMES, ends)
    assert (found.wake_at, found.is_lost, found.is_at_rest) == (ends, False, True)


@pytest.mark.parametrize("work", [Work.ROTATE, Work.CONFINE])
def test_what_had_begun_goes_on_when_it_is_found_again(work: Work) -> None:
    begun = in_state(State.READY, ends=LATER).began(work, NOW)
    assert begun.lost().found_again(NAMES).wake_at == AT_ONCE


@each
def test_only_what_is_deleted_and_was_not_dropped_is_lost(state: State) -> None:
    assert in_state(state).is_lost == (state is State.DELETED)
    assert not in_state(state).did(Work.DELETE, NOW).is_lost


@pytest.mark.parametrize("state", [State.DELETING, State.DELETED, State.FAILED])
def test_what_is_dropped_or_to_be_dropped_cannot_be_lost(state: State) -> None:
    with pytest.raises(IllegalTransition):
        in_state(state).lost()


def test_a_record_changed_last_when_something_was_begun_or_done_for_it() -> None:
    made = in_state(State.READY)

    assert made.did(Work.ROTATE, LATER).changed_at == LATER
    assert made.began(Work.ROTATE, LATER).changed_at == LATER
    assert made.missed(Work.ROTATE, LATER, "It is away.").changed_at == NOW
    assert replace(made, history=()).changed_at == NOW
