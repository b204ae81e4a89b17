"""The record: what is done for a database, and what became of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.database import Database
from domain.errors import IllegalTransition
from domain.request import RequestMark
from domain.states import State
from domain.steps import AT_ONCE, LONGEST_HISTORY, StepState, Work
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
END = NOW + timedelta(days=1)

RUNNING, DONE, FAILED = StepState.RUNNING, StepState.DONE, StepState.FAILED


def new() -> Database:
    """Being made since now."""
    return new_record(made=NOW)


def ready(ends: datetime | None = END) -> Database:
    made = replace(new(), expires_at=ends).did(Work.PROVISION, NOW)
    return made.began(Work.VERIFY, NOW).moved(State.READY).did(Work.VERIFY, NOW)


def expired() -> Database:
    return ready().moved(State.EXPIRED).began(Work.SUSPEND, END).did(Work.SUSPEND, END)


def told(database: Database) -> list[tuple[str, StepState]]:
    return [(step.name, step.state) for step in database.steps]


def test_the_history_tells_what_became_of_every_work_and_when() -> None:
    database = new().missed(Work.PROVISION, LATER, "Busy.").did(Work.PROVISION, END)

    assert [(step.name, step.state, step.at, step.error) for step in database.history] == [
        ("provision", RUNNING, NOW, ""),
        ("provision", FAILED, LATER, "Busy."),
        ("provision", DONE, END, ""),
    ]


def test_steps_are_numbered_from_one() -> None:
    assert [step.number for step in ready().history] == [1, 2, 3, 4]


def test_the_steps_are_the_latest_of_each_work_in_the_order_they_began_in() -> None:
    database = ready().began(Work.ROTATE, LATER).began(Work.PROVISION, LATER)

    assert told(database) == [("provision", RUNNING), ("verify", DONE), ("rotate", RUNNING)]


@given(st.integers(0, 3 * LONGEST_HISTORY))
def test_work_that_fails_for_ever_keeps_a_bounded_history_and_counts_on(failures: int) -> None:
    database = ready().began(Work.ROTATE, NOW)
    for _ in range(failures):
        database = database.missed(Work.ROTATE, LATER, "Busy.")

    numbers = [step.number for step in database.history]
    assert len(numbers) == min(5 + failures, LONGEST_HISTORY)
    assert numbers[-1] == 5 + failures
    assert numbers == sorted(set(numbers))


def test_a_history_that_is_too_long_keeps_what_became_of_every_work() -> None:
    database = ready().began(Work.ROTATE, NOW)
    for _ in range(2 * LONGEST_HISTORY):
        database = database.missed(Work.ROTATE, LATER, "Busy.")

    assert told(database) == [("provision", DONE), ("verify", DONE), ("rotate", FAILED)]


@pytest.mark.parametrize("failures", [0, 1, LONGEST_HISTORY * 2])
def test_what_was_never_made_is_failed_in_the_end_however_long_its_drop_took(
    failures: int,
) -> None:
    database = new().given_up(NOW, "Busy.")
    for _ in range(failures):
        database = database.missed(Work.RETIRE, LATER, "Busy.")

    assert database.dropped(LATER).state is State.FAILED


def test_work_is_pending_from_its_beginning_until_it_is_done() -> None:
    resting = ready()
    begun = resting.began(Work.ROTATE, NOW)

    assert not resting.is_pending(Work.ROTATE)
    assert begun.is_pending(Work.ROTATE)
    assert begun.missed(Work.ROTATE, NOW, "Busy.").is_pending(Work.ROTATE)
    assert not begun.did(Work.ROTATE, NOW).is_pending(Work.ROTATE)


def test_only_what_failed_last_is_failed() -> None:
    missed = ready().began(Work.ROTATE, NOW).missed(Work.ROTATE, NOW, "Busy.")

    assert missed.is_failed(Work.ROTATE)
    assert not missed.began(Work.ROTATE, NOW).is_failed(Work.ROTATE)
    assert not missed.is_failed(Work.VERIFY)


def test_what_is_given_up_says_why_and_is_to_be_dropped_at_once() -> None:
    database = new().given_up(LATER, "Busy.")

    assert database.state is State.RETIRING
    assert told(database) == [("provision", FAILED), ("retire", RUNNING)]
    assert database.steps[0].error == "Busy."
    assert database.wake_at == AT_ONCE


def test_what_is_given_up_fails_only_what_was_running() -> None:
    verifying = new().did(Work.PROVISION, NOW).began(Work.VERIFY, NOW)

    given_up = verifying.given_up(LATER, "Refused.")

    assert told(given_up) == [("provision", DONE), ("verify", FAILED), ("retire", RUNNING)]


def test_what_is_given_up_can_be_asked_for_again_by_the_same_request() -> None:
    database = replace(new(), request=RequestMark("key", "body"))

    assert database.given_up(NOW, "Busy.").request is None


@pytest.mark.parametrize("database", [ready(), expired()], ids=["ready", "expired"])
def test_what_was_made_and_dropped_is_retired(database: Database) -> None:
    retired = database.moved(State.RETIRING).began(Work.RETIRE, NOW).dropped(NOW)

    assert retired.state is State.RETIRED
    assert retired.wake_at is None


@pytest.mark.parametrize("database", [new(), ready(), expired()])
def test_nothing_is_dropped_that_was_not_to_be(database: Database) -> None:
    with pytest.raises(IllegalTransition):
        database.dropped(NOW)


def test_what_is_ready_or_expired_or_gone_is_at_rest() -> None:
    retiring = ready().moved(State.RETIRING).began(Work.RETIRE, NOW)

    assert ready().is_at_rest
    assert expired().is_at_rest
    assert retiring.dropped(NOW).is_at_rest
    assert new().given_up(NOW, "Busy.").dropped(NOW).is_at_rest


def test_what_is_made_or_dropped_is_not_at_rest() -> None:
    assert not new().is_at_rest
    assert not ready().moved(State.RETIRING).began(Work.RETIRE, NOW).is_at_rest


@pytest.mark.parametrize("work", [Work.SUSPEND, Work.RESTORE])
def test_what_has_expired_is_not_at_rest_while_something_is_to_be_done(work: Work) -> None:
    assert not expired().began(work, NOW).is_at_rest


def test_what_is_ready_is_not_at_rest_while_its_password_changes() -> None:
    assert not ready().began(Work.ROTATE, NOW).is_at_rest


def test_a_rotation_that_the_end_cut_off_does_not_keep_an_expired_one_from_rest() -> None:
    """Nobody goes on with it: what is restored gets the new password."""
    rotating = ready().began(Work.ROTATE, NOW).moved(State.EXPIRED)

    assert rotating.began(Work.SUSPEND, END).did(Work.SUSPEND, END).is_at_rest
