"""A record whose database is not where it was, and turns up again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.errors import IllegalTransition
from domain.naming import Nickname
from domain.states import State
from domain.steps import AT_ONCE, Work
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

NAMES = Nickname("Elsewhere").names()


def in_state(state: State, *, ends: datetime | None = None) -> Database:
    return replace(new_record(made=NOW, state=state), expires_at=ends).did(Work.PROVISION, NOW)


@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
def test_what_is_lost_is_gone_and_never_looked_at(state: State) -> None:
    lost = in_state(state, ends=LATER).lost()

    assert (lost.is_gone, lost.is_lost, lost.is_at_rest) == (True, True, True)
    assert lost.wake_at is None


@pytest.mark.parametrize("state", [State.RETIRING, State.RETIRED, State.FAILED])
def test_what_is_dropped_or_to_be_dropped_cannot_be_lost(state: State) -> None:
    with pytest.raises(IllegalTransition):
        in_state(state).lost()


@pytest.mark.parametrize("state", sorted(set(State) - {State.RETIRED}))
def test_what_is_not_retired_is_not_lost(state: State) -> None:
    assert not in_state(state).is_lost


def test_what_was_dropped_is_not_lost() -> None:
    retiring = in_state(State.READY).moved(State.RETIRING).began(Work.RETIRE, NOW)

    assert not retiring.dropped(LATER).is_lost


def test_what_is_found_again_is_ready_under_the_names_that_it_has() -> None:
    found = in_state(State.READY).lost().found_again(NAMES)

    assert (found.state, found.names, found.wake_at) == (State.READY, NAMES, None)
    assert (found.is_lost, found.is_at_rest) == (False, True)


def test_what_is_found_again_keeps_its_end() -> None:
    found = in_state(State.READY, ends=LATER).lost().found_again(NAMES)

    assert (found.expires_at, found.wake_at) == (LATER, LATER)


def test_a_rotation_that_was_pending_goes_on_when_it_is_found_again() -> None:
    rotating = in_state(State.READY, ends=LATER).began(Work.ROTATE, NOW)

    assert rotating.lost().found_again(NAMES).wake_at == AT_ONCE


def test_a_record_changed_last_when_something_was_begun_or_done_for_it() -> None:
    made = in_state(State.READY)

    assert made.did(Work.ROTATE, LATER).changed_at == LATER
    assert made.began(Work.ROTATE, LATER).changed_at == LATER


def test_what_only_fails_changes_nothing() -> None:
    made = in_state(State.READY)

    assert made.missed(Work.ROTATE, LATER, "It is away.").changed_at == NOW


def test_one_without_a_history_changed_last_when_it_was_made() -> None:
    assert replace(in_state(State.READY), history=()).changed_at == NOW
