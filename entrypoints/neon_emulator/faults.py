"""Faults that were asked for, and which calls they befall."""

from collections.abc import Collection
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

ANY = "*"


class How(StrEnum):
    RESET_BEFORE = "reset_before"
    """The connection ends, and nothing is done."""
    HANG_BEFORE = "hang_before"
    """Nothing is done, and no answer comes until the caller goes."""
    UNAVAILABLE = "unavailable"
    """503, and nothing is done."""
    LIMITED = "limited"
    """429 without a word of when to come again."""
    LIMITED_RETRY_AFTER = "limited_retry_after"
    """429 with it: `seconds` from now."""
    LOCKED = "locked"
    """423, as if another operation ran."""

    LOST_AFTER = "lost_after"
    """All is done, and the connection ends without an answer."""
    HANG = "hang"
    """All is done, and no answer comes until the caller goes."""
    FAILED_AFTER = "failed_after"
    """All is done, and the answer is 500."""
    GATEWAY_HTML = "gateway_html"
    """All is done, and the answer is a gateway's 524, in HTML."""
    GARBAGE = "garbage"
    """All is done, and the answer's JSON is cut off."""

    FAILING_OPERATION = "failing_operation"
    """The operation ends as `error`, and nothing is done."""
    RECOVERING_OPERATION = "recovering_operation"
    """The operation is `failed` for `seconds`, then runs again and finishes."""
    UNKNOWN_STATUS = "unknown_status"
    """The operation has a status that no client knows for `seconds`, then finishes."""
    STALE_404 = "stale_404"
    """What was made is not found by the next `reads` reads of it; lists lack it meanwhile."""


BEFORE = frozenset(
    {
        How.RESET_BEFORE,
        How.HANG_BEFORE,
        How.UNAVAILABLE,
        How.LIMITED,
        How.LIMITED_RETRY_AFTER,
        How.LOCKED,
    }
)
AFTER = frozenset({How.LOST_AFTER, How.HANG, How.FAILED_AFTER, How.GATEWAY_HTML, How.GARBAGE})
DURING = frozenset({How.FAILING_OPERATION, How.RECOVERING_OPERATION, How.UNKNOWN_STATUS})


class Fault(BaseModel):
    """`which` is a route's name, such as `create_role`, or * for all; `times` None is for ever."""

    model_config = ConfigDict(extra="forbid")

    which: str
    how: How
    times: int | None = Field(1, ge=1)
    reads: int = Field(3, ge=1)
    seconds: float = Field(1.0, ge=0)


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault.model_copy())

    def clear(self) -> None:
        self._faults.clear()

    def left(self) -> list[Fault]:
        """Those that have not happened as often as they are to."""
        return [fault.model_copy() for fault in self._faults]

    def take(self, route: str, kinds: Collection[How]) -> Fault | None:
        """The next fault of these kinds for that route; it has happened once more then."""
        for fault in self._faults:
            if fault.which in {route, ANY} and fault.how in kinds:
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self._faults = [other for other in self._faults if other is not fault]
