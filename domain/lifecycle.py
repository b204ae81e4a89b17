"""The lifecycle of a database: operations and their steps, states and their transitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Operation(StrEnum):
    """Operations on a database outside the registry. Each one that has started is finished."""

    PROVISION = "provision"
    VERIFY = "verify"
    ROTATE = "rotate"
    END_SESSIONS = "end_sessions"  # together with a rotation
    ADD_EXTENSION = "add_extension"
    SUSPEND = "suspend"
    RESTORE = "restore"
    WARN = "warn"  # the size exceeds the limit
    SET_READ_ONLY = "set_read_only"  # the size still exceeds the limit
    CLEAR_READ_ONLY = "clear_read_only"  # the size is below the limit again
    EXPORT = "export"  # before the deletion of an expired database
    REPLACE = "replace"  # delete the former templates of the same name
    DELETE = "delete"


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """A new state of an operation. `number` counts the steps of a database from 1; `error` is the
    message of a failure."""

    number: int
    name: str
    state: StepState
    at: datetime
    error: str = ""


MAX_HISTORY = 100
"""The number of steps in a record: an operation that always fails must not let it grow forever."""


def trim_history(history: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the history without the oldest step, if there are too many. Keep the latest step of
    each operation and each state: it says how the operation stands, and when it was started."""
    if len(history) <= MAX_HISTORY:
        return history
    latest = {(step.name, step.state): step.number for step in history}
    kept = set(latest.values())
    index = next(i for i, step in enumerate(history) if step.number not in kept)
    return history[:index] + history[index + 1 :]


DUE_NOW = datetime(2000, 1, 1, tzinfo=UTC)
"""The `wake_at` of a started operation: due now, even if the clock was set back."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
"""Pauses before retries of a failed operation: the first, doubled each time up to the longest."""


def calculate_pause(failures: int) -> timedelta:
    """Return the pause after that many consecutive failures."""
    doublings = min(failures - 1, 16)
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << doublings))


class State(StrEnum):
    PROVISIONING = "provisioning"
    READY = "ready"
    FAILED = "failed"  # provisioning failed; nothing is left
    EXPIRED = "expired"  # logins are blocked; the data still exists
    DELETING = "deleting"  # to be dropped, or partly dropped
    DELETED = "deleted"
    SPARE = "spare"  # in the pool, or on its way there: closed, and without a nickname
    TEMPLATE = "template"  # frozen, or being frozen: closed, to be copied


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PROVISIONING: frozenset({State.READY, State.DELETING}),
    State.READY: frozenset({State.EXPIRED, State.DELETING}),
    State.EXPIRED: frozenset({State.READY, State.DELETING}),
    State.FAILED: frozenset(),
    State.DELETING: frozenset({State.DELETED, State.FAILED}),
    State.DELETED: frozenset(),
    State.SPARE: frozenset({State.DELETING}),  # or claimed: it becomes another record
    State.TEMPLATE: frozenset({State.DELETING}),
}

GONE = frozenset({State.FAILED, State.DELETED})
"""States without anything on the provider: the names are free again."""

LIVE = frozenset(State) - GONE

INTERNAL = frozenset({State.SPARE, State.TEMPLATE})
"""States of records that are not databases of a caller."""

PUBLIC = tuple(state for state in State if state not in INTERNAL)
"""States of the databases of callers."""

LISTED = LIVE - INTERNAL

RESUMABLE_OPERATIONS: Mapping[State, frozenset[Operation]] = {
    State.READY: frozenset(
        {
            Operation.ROTATE,
            Operation.ADD_EXTENSION,
            Operation.SET_READ_ONLY,
            Operation.CLEAR_READ_ONLY,
        }
    ),
    State.EXPIRED: frozenset({Operation.SUSPEND, Operation.EXPORT, Operation.RESTORE}),
    State.SPARE: frozenset({Operation.PROVISION, Operation.VERIFY, Operation.SUSPEND}),
    State.TEMPLATE: frozenset({Operation.PROVISION, Operation.SUSPEND, Operation.REPLACE}),
    State.FAILED: frozenset(),
    State.DELETED: frozenset(),
}
"""Operations that can be pending in the states that need no transition."""
