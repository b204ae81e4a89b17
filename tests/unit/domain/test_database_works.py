"""The record: what is done for a database, what became of it, and when to look at it again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.errors import IllegalTransition
from domain.request import RequestMark
from domain.states import State
from domain.steps import (
    AT_ONCE,
    FIRST_PAUSE,
    LONGEST_HISTORY,
    LONGEST_PAUSE,
    StepState,
    Work,
    pause_after,
)
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


def deleting() -> Database:
    return ready().moved(State.DELETING).began(Work.DELETE, NOW)


def rotating(ends: datetime | None = END) -> Database:
    return ready(ends).began(Work.ROTATE, NOW)


def missed(database: Database, times: int = 1, work: Work = Work.ROTATE) -> Database:
    for _ in range(times):
        database = database.missed(work, NOW, "Busy.")
    return database


def told(database: Database) -> list[tuple[str, StepState]]:
    return [(step.name, step.state) for step in database.steps]


def test_the_history_tells_what_became_of_every_work_and_when() -> None:
    database = new().missed(Work.PROVISION, LATER, "Busy.").did(Work.PROVISION, END)

    assert [
        (step.number, step.name, step.state, step.at, step.error) for step in database.history
    ] == [
        (1, "provision", RUNNING, NOW, ""),
        (2, "provision", FAILED, LATER, "Busy."),
        (3, "provision", DONE, END, ""),
    ]


def test_the_steps_are_the_latest_of_each_work_in_the_order_they_began_in() -> None:
    database = rotating().began(Work.PROVISION, LATER)
    assert told(database) == [("provision", RUNNING), ("verify", DONE), ("rotate", RUNNING)]


@pytest.mark.parametrize("failures", [0, 1, 95, 96, 3 * LONGEST_HISTORY])
def test_work_that_fails_for_ever_keeps_a_bounded_history_of_all_works(failures: int) -> None:
    database = missed(rotating(), failures)

    numbers = [step.number for step in database.history]
    assert len(numbers) == min(5 + failures, LONGEST_HISTORY)
    assert numbers[-1] == 5 + failures
    assert numbers == sorted(set(numbers))
    last = FAILED if failures else RUNNING
    assert told(database) == [("provision", DONE), ("verify", DONE), ("rotate", last)]


@pytest.mark.parametrize("failures", [0, 1, LONGEST_HISTORY * 2])
def test_what_was_never_made_is_failed_in_the_end_however_long_its_drop_took(failures: int) -> None:
    database = missed(new().given_up(NOW, "Busy."), failures, Work.DELETE)
    assert database.dropped(LATER).state is State.FAILED


def test_work_is_pending_from_its_beginning_until_it_is_done() -> None:
    is_pending = [
        database.is_pending(Work.ROTATE)
        for database in (ready(), rotating(), missed(rotating()), rotating().did(Work.ROTATE, NOW))
    ]

    assert is_pending == [False, True, True, False]


def test_only_what_failed_last_is_failed() -> None:
    assert missed(rotating()).is_failed(Work.ROTATE)
    assert not missed(rotating()).began(Work.ROTATE, NOW).is_failed(Work.ROTATE)
    assert not missed(rotating()).is_failed(Work.VERIFY)


def test_what_is_given_up_says_why_and_is_to_be_dropped_and_made_anew_by_the_same_request() -> None:
    database = replace(new(), request=RequestMark("key", "body")).given_up(LATER, "Busy.")

    assert database.state is State.DELETING
    assert told(database) == [("provision", FAILED), ("delete", RUNNING)]
    assert database.steps[0].error == "Busy."
    assert database.wake_at == AT_ONCE
    assert database.request is None


def test_what_is_given_up_fails_only_what_was_running() -> None:
    verifying = new().did(Work.PROVISION, NOW).began(Work.VERIFY, NOW)
    given_up = verifying.given_up(LATER, "Refused.")
    assert told(given_up) == [("provision", DONE), ("verify", FAILED), ("delete", RUNNING)]


@pytest.mark.parametrize("database", [ready(), expired()], ids=["ready", "expired"])
def test_what_was_made_and_dropped_is_deleted(database: Database) -> None:
    deleted = database.moved(State.DELETING).began(Work.DELETE, NOW).dropped(NOW)
    assert (deleted.state, deleted.wake_at) == (State.DELETED, None)


@pytest.mark.parametrize("database", [new(), ready(), expired()])
def test_nothing_is_dropped_that_was_not_to_be(database: Database) -> None:
    with pytest.raises(IllegalTransition):
        database.dropped(NOW)


@pytest.mark.parametrize(
    ("database", "is_at_rest"),
    [
        (ready(), True),
        (expired(), True),
        (deleting().dropped(NOW), True),
        (new().given_up(NOW, "Busy.").dropped(NOW), True),
        # nobody goes on with this rotation: what is restored gets the new password
        (rotating().moved(State.EXPIRED).began(Work.SUSPEND, END).did(Work.SUSPEND, END), True),
        (new(), False),
        (deleting(), False),
        (expired().began(Work.SUSPEND, NOW), False),
        (expired().began(Work.RESTORE, NOW), False),
        (rotating(), False),
    ],
)
def test_a_record_is_at_rest_when_nothing_is_left_to_do(
    database: Database, is_at_rest: bool
) -> None:
    assert database.is_at_rest == is_at_rest


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (10_000, 3600)]
)
def test_each_failure_doubles_the_pause_up_to_the_longest(failures: int, seconds: int) -> None:
    assert pause_after(failures) == timedelta(seconds=seconds)
    assert FIRST_PAUSE <= pause_after(failures) <= LONGEST_PAUSE


CONFINING = ready().began(Work.CONFINE, NOW)
BOTH = CONFINING.began(Work.ROTATE, NOW)
RELEASING = ready().began(Work.RELEASE, NOW).began(Work.ROTATE, NOW)
AGAIN = missed(rotating(None)).did(Work.ROTATE, NOW).began(Work.ROTATE, NOW)
FROZEN = ready().moved(State.EXPIRED).began(Work.SUSPEND, END)
SOON = NOW + FIRST_PAUSE / 2


@pytest.mark.parametrize(
    ("database", "wake_at"),
    [
        pytest.param(ready().began(Work.ROTATE, LATER), AT_ONCE, id="begun"),
        pytest.param(ready(), END, id="ready"),
        pytest.param(ready(None), None, id="ready without an end"),
        pytest.param(FROZEN.did(Work.SUSPEND, END, LATER), LATER, id="done until then"),
        pytest.param(missed(rotating(None)), NOW + pause_after(1), id="failed"),
        pytest.param(missed(rotating(None), 2), NOW + pause_after(2), id="failed twice"),
        pytest.param(missed(AGAIN), NOW + pause_after(1), id="failed after a success"),
        pytest.param(missed(rotating(SOON)), SOON, id="failed before its end"),
        pytest.param(BOTH.did(Work.ROTATE, LATER), AT_ONCE, id="to be confined"),
        pytest.param(RELEASING.did(Work.ROTATE, LATER), AT_ONCE, id="to be released"),
        pytest.param(CONFINING.did(Work.CONFINE, LATER), END, id="confined"),
    ],
)
def test_a_record_is_looked_at_when_it_is_due(database: Database, wake_at: datetime | None) -> None:
    assert database.wake_at == wake_at


@pytest.mark.parametrize("ends", [None, LATER, END + timedelta(days=9)])
def test_what_is_extended_is_looked_at_at_its_end_or_for_its_work(ends: datetime | None) -> None:
    extended = ready().extended(ends)

    assert (extended.expires_at, extended.wake_at) == (ends, ends)
    for failed in (missed(rotating()), missed(CONFINING, 1, Work.CONFINE)):
        assert failed.extended(ends).wake_at == failed.wake_at
