"""The states of a database, their transitions, and the operations possible in each."""

from collections.abc import Mapping
from enum import StrEnum

from domain.lifecycle import Operation


class State(StrEnum):
    PROVISIONING = "provisioning"
    READY = "ready"
    FAILED = "failed"  # provisioning failed; nothing is left
    EXPIRED = "expired"  # logins are blocked; the data still exists
    DELETING = "deleting"  # to be dropped, or partly dropped
    DELETED = "deleted"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PROVISIONING: frozenset({State.READY, State.DELETING}),
    State.READY: frozenset({State.EXPIRED, State.DELETING}),
    State.EXPIRED: frozenset({State.READY, State.DELETING}),
    State.FAILED: frozenset(),
    State.DELETING: frozenset({State.DELETED, State.FAILED}),
    State.DELETED: frozenset(),
}

GONE = frozenset({State.FAILED, State.DELETED})
"""States without anything on the provider: the names are free again."""

LIVE = frozenset(State) - GONE

RESUMABLE_OPERATIONS: Mapping[State, frozenset[Operation]] = {
    State.READY: frozenset(
        {
            Operation.ROTATE,
            Operation.ADD_EXTENSION,
            Operation.SET_READ_ONLY,
            Operation.CLEAR_READ_ONLY,
        }
    ),
    State.EXPIRED: frozenset({Operation.SUSPEND, Operation.RESTORE}),
    State.FAILED: frozenset(),
    State.DELETED: frozenset(),
}
"""Operations that can be pending in the states that need no transition."""
