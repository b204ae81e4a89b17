"""What an operation is to do, and how it is to go."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import PgvendError


class Outcome(StrEnum):
    """How a set of operations goes; all but the first are faults."""

    FINISHED = "finished"
    ERROR = "error"
    """Nothing is done, and it stays so."""
    RECOVERED = "recovered"
    """It fails, and succeeds when it is tried again."""
    UNKNOWN = "unknown"
    """It shows a status that no client knows before it finishes."""


@dataclass(frozen=True)
class Plan:
    """`seconds` is how long a fault lasts."""

    outcome: Outcome = Outcome.FINISHED
    seconds: float = 0


class PlannedFailure(PgvendError):
    """An internal error: a fault was asked for."""


async def _no_work() -> None: ...


def _nothing() -> None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation to be, `seconds` long: `work` is what really happens, at its end or `late`
    seconds after that."""

    action: str
    seconds: float
    late: float = 0
    work: Callable[[], Awaitable[None]] = _no_work
    finished: Callable[[], None] = _nothing
    failed: Callable[[], None] = _nothing
