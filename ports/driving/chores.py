"""Something that the sweep has found to do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.upkeep import Upkeep

Do = Callable[[], Awaitable[bool | str]]


@dataclass(frozen=True, slots=True)
class Chore:
    """`do`, which may be repeated, says whether there was anything to do and nobody at it, or what
    is left for the next time. Without it there is only something to tell. `remark` says what, or
    why."""

    action: Upkeep
    id: str
    database: str
    do: Do | None
    remark: str = ""
