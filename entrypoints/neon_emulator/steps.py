"""The steps of operations."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.errors import PgvendError


class PlannedFailure(PgvendError):
    """Internal error, caused by a fault."""


async def _no_work() -> None: ...


def _nothing() -> None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """The plan of an operation that takes `seconds`: `work` is done at its end or `late` seconds
    afterwards."""

    action: str
    seconds: float
    late: float = 0
    work: Callable[[], Awaitable[None]] = _no_work
    on_finish: Callable[[], None] = _nothing
    on_failure: Callable[[], None] = _nothing
