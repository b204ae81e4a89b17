"""What is done for a database, step by step, and when it is tried again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Work(StrEnum):
    """What is done for a database outside, each to be finished once it has begun."""

    PROVISION = "provision"
    VERIFY = "verify"
    ROTATE = "rotate"
    END_SESSIONS = "end_sessions"  # along with a rotation
    ADD_EXTENSION = "add_extension"
    SUSPEND = "suspend"
    RESTORE = "restore"
    WARN = "warn"  # it is larger than it may be
    CONFINE = "confine"  # made read-only, because it still is
    RELEASE = "release"  # it has room again
    DELETE = "delete"


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one work at one moment. `number` counts a database's steps, from 1; `error` is
    the message of what failed."""

    number: int
    name: str
    state: StepState
    at: datetime
    error: str = ""


LONGEST_HISTORY = 100
"""Steps that are kept: work that fails for ever must not make a record grow for ever."""

AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""When work that has begun is to be looked at: now, also when the clock has been put back."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
"""How long work that failed rests until it is tried again: twice as long each time, up to this."""


def pause_after(failures: int) -> timedelta:
    """The pause after so many failures in a row."""
    doublings = min(failures - 1, 16)
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << doublings))
