"""The record: operations, history, and the time of the next reconciliation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.database import Database
from domain.errors import IllegalTransition
from domain.idempotency import IdempotencyKey
from domain.lifecycle import (
    DUE_NOW,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_HISTORY,
    Operation,
    State,
    StepState,
    calculate_pause,
)
from tests.support.records import new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
END = NOW + timedelta(days=1)

RUNNING, DONE, FAILED = StepState.RUNNING, StepState.DONE, StepState.FAILED


def create_new() -> Database:
    """Return a record that is provisioning since NOW."""
    return new_record(created_at=NOW)


def create_ready(ends: datetime | None = END) -> Database:
    database = replace(create_new(), expires_at=ends).complete(Operation.PROVISION, NOW)
    return (
        database.start(Operation.VERIFY, NOW)
        .transition_to(State.READY)
        .complete(Operation.VERIFY, NOW)
    )


def create_expired() -> Database:
    return (
        create_ready()
        .transition_to(State.EXPIRED)
        .start(Operation.SUSPEND, END)
        .complete(Operation.SUSPEND, END)
    )


def create_deleting() -> Database:
    return create_ready().transition_to(State.DELETING).start(Operation.DELETE, NOW)


def start_rotation(ends: datetime | None = END) -> Database:
    return create_ready(ends).start(Operation.ROTATE, NOW)


def fail_often(
    database: Database, times: int = 1, operation: Operation = Operation.ROTATE
) -> Database:
    for _ in range(times):
        database = database.fail(operation, NOW, "Busy.")
    return database


def list_states(database: Database) -> list[tuple[str, StepState]]:
    return [(step.name, step.state) for step in database.steps]


def test_the_history_has_every_step_with_its_time() -> None:
    database = (
        create_new().fail(Operation.PROVISION, LATER, "Busy.").complete(Operation.PROVISION, END)
    )

    assert [
        (step.number, step.name, step.state, step.at, step.error) for step in database.history
    ] == [
        (1, "provision", RUNNING, NOW, ""),
        (2, "provision", FAILED, LATER, "Busy."),
        (3, "provision", DONE, END, ""),
    ]


def test_steps_are_the_latest_of_each_operation() -> None:
    database = start_rotation().start(Operation.PROVISION, LATER)
    assert list_states(database) == [("provision", RUNNING), ("verify", DONE), ("rotate", RUNNING)]


@pytest.mark.parametrize("failures", [0, 1, 95, 96, 3 * MAX_HISTORY])
def test_an_operation_that_always_fails_has_a_bounded_history(failures: int) -> None:
    database = fail_often(start_rotation(), failures)

    numbers = [step.number for step in database.history]
    assert len(numbers) == min(5 + failures, MAX_HISTORY)
    assert numbers[-1] == 5 + failures
    assert numbers == sorted(set(numbers))
    last = FAILED if failures else RUNNING
    assert list_states(database) == [("provision", DONE), ("verify", DONE), ("rotate", last)]


@pytest.mark.parametrize("failures", [0, 1, MAX_HISTORY * 2])
def test_a_database_that_never_was_ready_ends_as_failed(failures: int) -> None:
    database = fail_often(create_new().abandon(NOW, "Busy."), failures, Operation.DELETE)
    assert database.finish_deletion(LATER).state is State.FAILED


def test_an_operation_is_pending_until_it_is_completed() -> None:
    is_pending = [
        database.is_pending(Operation.ROTATE)
        for database in (
            create_ready(),
            start_rotation(),
            fail_often(start_rotation()),
            start_rotation().complete(Operation.ROTATE, NOW),
        )
    ]

    assert is_pending == [False, True, True, False]


def test_only_a_failed_latest_step_is_failed() -> None:
    assert fail_often(start_rotation()).is_failed(Operation.ROTATE)
    assert not fail_often(start_rotation()).start(Operation.ROTATE, NOW).is_failed(Operation.ROTATE)
    assert not fail_often(start_rotation()).is_failed(Operation.VERIFY)


def test_an_abandoned_database_is_deleted_and_frees_its_request() -> None:
    database = replace(create_new(), idempotency_key=IdempotencyKey("key", "body")).abandon(
        LATER, "Busy."
    )

    assert database.state is State.DELETING
    assert list_states(database) == [("provision", FAILED), ("delete", RUNNING)]
    assert database.steps[0].error == "Busy."
    assert database.wake_at == DUE_NOW
    assert database.idempotency_key is None


def test_abandoning_fails_only_running_operations() -> None:
    verifying = create_new().complete(Operation.PROVISION, NOW).start(Operation.VERIFY, NOW)
    abandoned = verifying.abandon(LATER, "Refused.")
    assert list_states(abandoned) == [("provision", DONE), ("verify", FAILED), ("delete", RUNNING)]


@pytest.mark.parametrize("database", [create_ready(), create_expired()], ids=["ready", "expired"])
def test_a_ready_database_ends_as_deleted(database: Database) -> None:
    deleted = (
        database.transition_to(State.DELETING).start(Operation.DELETE, NOW).finish_deletion(NOW)
    )
    assert (deleted.state, deleted.wake_at) == (State.DELETED, None)


@pytest.mark.parametrize("database", [create_new(), create_ready(), create_expired()])
def test_a_deletion_needs_the_state_deleting(database: Database) -> None:
    with pytest.raises(IllegalTransition):
        database.finish_deletion(NOW)


@pytest.mark.parametrize(
    ("database", "is_idle"),
    [
        (create_ready(), True),
        (create_expired(), True),
        (create_deleting().finish_deletion(NOW), True),
        (create_new().abandon(NOW, "Busy.").finish_deletion(NOW), True),
        # the restore sets the new password, so the rotation is not continued
        (
            start_rotation()
            .transition_to(State.EXPIRED)
            .start(Operation.SUSPEND, END)
            .complete(Operation.SUSPEND, END),
            True,
        ),
        (create_new(), False),
        (create_deleting(), False),
        (create_expired().start(Operation.SUSPEND, NOW), False),
        (create_expired().start(Operation.RESTORE, NOW), False),
        (start_rotation(), False),
    ],
)
def test_a_record_is_idle_without_pending_operations(database: Database, is_idle: bool) -> None:
    assert database.is_idle == is_idle


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (10_000, 3600)]
)
def test_each_failure_doubles_the_pause_up_to_the_longest(failures: int, seconds: int) -> None:
    assert calculate_pause(failures) == timedelta(seconds=seconds)
    assert FIRST_PAUSE <= calculate_pause(failures) <= LONGEST_PAUSE


GETTING_READ_ONLY = create_ready().start(Operation.SET_READ_ONLY, NOW)
BOTH = GETTING_READ_ONLY.start(Operation.ROTATE, NOW)
GETTING_WRITABLE = create_ready().start(Operation.CLEAR_READ_ONLY, NOW).start(Operation.ROTATE, NOW)
AGAIN = (
    fail_often(start_rotation(None)).complete(Operation.ROTATE, NOW).start(Operation.ROTATE, NOW)
)
FROZEN = create_ready().transition_to(State.EXPIRED).start(Operation.SUSPEND, END)
SOON = NOW + FIRST_PAUSE / 2


@pytest.mark.parametrize(
    ("database", "wake_at"),
    [
        pytest.param(create_ready().start(Operation.ROTATE, LATER), DUE_NOW, id="started"),
        pytest.param(create_ready(), END, id="ready"),
        pytest.param(create_ready(None), None, id="ready without an expiry"),
        pytest.param(
            FROZEN.complete(Operation.SUSPEND, END, LATER), LATER, id="completed until then"
        ),
        pytest.param(fail_often(start_rotation(None)), NOW + calculate_pause(1), id="failed"),
        pytest.param(
            fail_often(start_rotation(None), 2), NOW + calculate_pause(2), id="failed twice"
        ),
        pytest.param(fail_often(AGAIN), NOW + calculate_pause(1), id="failed after a success"),
        pytest.param(fail_often(start_rotation(SOON)), SOON, id="failed shortly before its expiry"),
        pytest.param(
            BOTH.complete(Operation.ROTATE, LATER), DUE_NOW, id="set_read_only is pending"
        ),
        pytest.param(
            GETTING_WRITABLE.complete(Operation.ROTATE, LATER),
            DUE_NOW,
            id="clear_read_only is pending",
        ),
        pytest.param(
            GETTING_READ_ONLY.complete(Operation.SET_READ_ONLY, LATER), END, id="read-only"
        ),
    ],
)
def test_the_wake_up_time_of_a_record(database: Database, wake_at: datetime | None) -> None:
    assert database.wake_at == wake_at


@pytest.mark.parametrize("ends", [None, LATER, END + timedelta(days=9)])
def test_a_new_expiry_keeps_the_retry_of_a_pending_operation(ends: datetime | None) -> None:
    record = create_ready().with_expiry(ends)

    assert (record.expires_at, record.wake_at) == (ends, ends)
    for failed in (
        fail_often(start_rotation()),
        fail_often(GETTING_READ_ONLY, 1, Operation.SET_READ_ONLY),
    ):
        assert failed.with_expiry(ends).wake_at == failed.wake_at
