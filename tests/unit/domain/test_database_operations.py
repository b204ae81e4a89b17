"""The record: operations, history, and the time of the next reconciliation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.errors import IllegalTransition
from domain.idempotency import RequestMark
from domain.lifecycle import (
    AT_ONCE,
    FIRST_PAUSE,
    LONGEST_HISTORY,
    LONGEST_PAUSE,
    StepState,
    Work,
    pause_after,
)
from domain.states import State
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
END = NOW + timedelta(days=1)

RUNNING, DONE, FAILED = StepState.RUNNING, StepState.DONE, StepState.FAILED


def new() -> Database:
    """Return a record that is provisioning since NOW."""
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


def failing(database: Database, times: int = 1, operation: Work = Work.ROTATE) -> Database:
    for _ in range(times):
        database = database.missed(operation, NOW, "Busy.")
    return database


def states_of(database: Database) -> list[tuple[str, StepState]]:
    return [(step.name, step.state) for step in database.steps]


def test_the_history_has_every_step_with_its_time() -> None:
    database = new().missed(Work.PROVISION, LATER, "Busy.").did(Work.PROVISION, END)

    assert [
        (step.number, step.name, step.state, step.at, step.error) for step in database.history
    ] == [
        (1, "provision", RUNNING, NOW, ""),
        (2, "provision", FAILED, LATER, "Busy."),
        (3, "provision", DONE, END, ""),
    ]


def test_steps_are_the_latest_of_each_operation() -> None:
    database = rotating().began(Work.PROVISION, LATER)
    assert states_of(database) == [("provision", RUNNING), ("verify", DONE), ("rotate", RUNNING)]


@pytest.mark.parametrize("failures", [0, 1, 95, 96, 3 * LONGEST_HISTORY])
def test_an_operation_that_always_fails_has_a_bounded_history(failures: int) -> None:
    database = failing(rotating(), failures)

    numbers = [step.number for step in database.history]
    assert len(numbers) == min(5 + failures, LONGEST_HISTORY)
    assert numbers[-1] == 5 + failures
    assert numbers == sorted(set(numbers))
    last = FAILED if failures else RUNNING
    assert states_of(database) == [("provision", DONE), ("verify", DONE), ("rotate", last)]


@pytest.mark.parametrize("failures", [0, 1, LONGEST_HISTORY * 2])
def test_a_database_that_never_was_ready_ends_as_failed(failures: int) -> None:
    database = failing(new().given_up(NOW, "Busy."), failures, Work.DELETE)
    assert database.dropped(LATER).state is State.FAILED


def test_an_operation_is_pending_until_it_is_completed() -> None:
    is_pending = [
        database.is_pending(Work.ROTATE)
        for database in (ready(), rotating(), failing(rotating()), rotating().did(Work.ROTATE, NOW))
    ]

    assert is_pending == [False, True, True, False]


def test_only_a_failed_latest_step_is_failed() -> None:
    assert failing(rotating()).is_failed(Work.ROTATE)
    assert not failing(rotating()).began(Work.ROTATE, NOW).is_failed(Work.ROTATE)
    assert not failing(rotating()).is_failed(Work.VERIFY)


def test_an_abandoned_database_is_deleted_and_frees_its_request() -> None:
    database = replace(new(), request=RequestMark("key", "body")).given_up(LATER, "Busy.")

    assert database.state is State.DELETING
    assert states_of(database) == [("provision", FAILED), ("delete", RUNNING)]
    assert database.steps[0].error == "Busy."
    assert database.wake_at == AT_ONCE
    assert database.request is None


def test_abandoning_fails_only_running_operations() -> None:
    verifying = new().did(Work.PROVISION, NOW).began(Work.VERIFY, NOW)
    abandoned = verifying.given_up(LATER, "Refused.")
    assert states_of(abandoned) == [("provision", DONE), ("verify", FAILED), ("delete", RUNNING)]


@pytest.mark.parametrize("database", [ready(), expired()], ids=["ready", "expired"])
def test_a_ready_database_ends_as_deleted(database: Database) -> None:
    deleted = database.moved(State.DELETING).began(Work.DELETE, NOW).dropped(NOW)
    assert (deleted.state, deleted.wake_at) == (State.DELETED, None)


@pytest.mark.parametrize("database", [new(), ready(), expired()])
def test_a_deletion_needs_the_state_deleting(database: Database) -> None:
    with pytest.raises(IllegalTransition):
        database.dropped(NOW)


@pytest.mark.parametrize(
    ("database", "is_idle"),
    [
        (ready(), True),
        (expired(), True),
        (deleting().dropped(NOW), True),
        (new().given_up(NOW, "Busy.").dropped(NOW), True),
        # the restore sets the new password, so the rotation is not continued
        (rotating().moved(State.EXPIRED).began(Work.SUSPEND, END).did(Work.SUSPEND, END), True),
        (new(), False),
        (deleting(), False),
        (expired().began(Work.SUSPEND, NOW), False),
        (expired().began(Work.RESTORE, NOW), False),
        (rotating(), False),
    ],
)
def test_a_record_is_idle_without_pending_operations(database: Database, is_idle: bool) -> None:
    assert database.is_at_rest == is_idle


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (10_000, 3600)]
)
def test_each_failure_doubles_the_pause_up_to_the_longest(failures: int, seconds: int) -> None:
    assert pause_after(failures) == timedelta(seconds=seconds)
    assert FIRST_PAUSE <= pause_after(failures) <= LONGEST_PAUSE


GETTING_READ_ONLY = ready().began(Work.CONFINE, NOW)
BOTH = GETTING_READ_ONLY.began(Work.ROTATE, NOW)
GETTING_WRITABLE = ready().began(Work.RELEASE, NOW).began(Work.ROTATE, NOW)
AGAIN = failing(rotating(None)).did(Work.ROTATE, NOW).began(Work.ROTATE, NOW)
FROZEN = ready().moved(State.EXPIRED).began(Work.SUSPEND, END)
SOON = NOW + FIRST_PAUSE / 2


@pytest.mark.parametrize(
    ("database", "wake_at"),
    [
        pytest.param(ready().began(Work.ROTATE, LATER), AT_ONCE, id="started"),
        pytest.param(ready(), END, id="ready"),
        pytest.param(ready(None), None, id="ready without an expiry"),
        pytest.param(FROZEN.did(Work.SUSPEND, END, LATER), LATER, id="completed until then"),
        pytest.param(failing(rotating(None)), NOW + pause_after(1), id="failed"),
        pytest.param(failing(rotating(None), 2), NOW + pause_after(2), id="failed twice"),
        pytest.param(failing(AGAIN), NOW + pause_after(1), id="failed after a success"),
        pytest.param(failing(rotating(SOON)), SOON, id="failed shortly before its expiry"),
        pytest.param(BOTH.did(Work.ROTATE, LATER), AT_ONCE, id="set_read_only is pending"),
        pytest.param(
            GETTING_WRITABLE.did(Work.ROTATE, LATER), AT_ONCE, id="clear_read_only is pending"
        ),
        pytest.param(GETTING_READ_ONLY.did(Work.CONFINE, LATER), END, id="read-only"),
    ],
)
def test_the_wake_up_time_of_a_record(database: Database, wake_at: datetime | None) -> None:
    assert database.wake_at == wake_at


@pytest.mark.parametrize("ends", [None, LATER, END + timedelta(days=9)])
def test_a_new_expiry_keeps_the_retry_of_a_pending_operation(ends: datetime | None) -> None:
    record = ready().extended(ends)

    assert (record.expires_at, record.wake_at) == (ends, ends)
    for failed in (failing(rotating()), failing(GETTING_READ_ONLY, 1, Work.CONFINE)):
        assert failed.extended(ends).wake_at == failed.wake_at
