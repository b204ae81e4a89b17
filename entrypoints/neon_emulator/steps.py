"""What an operation is to do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.errors import PgvendError


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
