"""The states of a database, the legal ways between them, and what may be going on in each."""

from collections.abc import Mapping
from enum import StrEnum

from domain.steps import Work


class State(StrEnum):
    PROVISIONING = "provisioning"
    READY = "ready"
    FAILED = "failed"  # nothing of it is left
    EXPIRED = "expired"  # nobody can log in; everything is still there
    DELETING = "deleting"  # to be dropped, and perhaps half dropped
    DELETED = "deleted"


LEGAL: Mapping[State, frozenset[State]] = {
    State.PROVISIONING: frozenset({State.READY, State.DELETING}),
    State.READY: frozenset({State.EXPIRED, State.DELETING}),
    State.EXPIRED: frozenset({State.READY, State.DELETING}),
    State.FAILED: frozenset(),
    State.DELETING: frozenset({State.DELETED, State.FAILED}),
    State.DELETED: frozenset(),
}

GONE = frozenset({State.FAILED, State.DELETED})
"""Nothing exists on the provider any more, and the names are free again."""

LIVE = frozenset(State) - GONE

LEFT_TO_DO: Mapping[State, frozenset[Work]] = {
    State.READY: frozenset({Work.ROTATE, Work.ADD_EXTENSION, Work.CONFINE, Work.RELEASE}),
    State.EXPIRED: frozenset({Work.SUSPEND, Work.RESTORE}),
    State.FAILED: frozenset(),
    State.DELETED: frozenset(),
}
"""What may be going on in the states that a database can rest in."""
