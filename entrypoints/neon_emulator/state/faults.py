"""Faults, and the calls to which they apply."""

from collections.abc import Collection
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

ANY = "*"


class How(StrEnum):
    RESET_BEFORE = "reset_before"
    """The connection ends before the call is handled."""
    HANG_BEFORE = "hang_before"
    """The call is not handled, and no response is sent until the client disconnects."""
    UNAVAILABLE = "unavailable"
    """503, and the call is not handled."""
    LIMITED = "limited"
    """429 without a Retry-After header."""
    LIMITED_RETRY_AFTER = "limited_retry_after"
    """429 with a Retry-After header of `seconds`."""
    LOCKED = "locked"
    """423, as if another operation were running."""

    LOST_AFTER = "lost_after"
    """The call is handled, and the connection ends without a response."""
    HANG = "hang"
    """The call is handled, and no response is sent until the client disconnects."""
    FAILED_AFTER = "failed_after"
    """The call is handled, and the response is 500."""
    GATEWAY_HTML = "gateway_html"
    """The call is handled, and the response is a gateway's 524 in HTML."""
    GARBAGE = "garbage"
    """The call is handled, and the response's JSON is truncated."""

    FAILING_OPERATION = "failing_operation"
    """The operation ends as `error` and changes nothing."""
    RECOVERING_OPERATION = "recovering_operation"
    """The operation is `failed` for `seconds`, then runs again and finishes."""
    UNKNOWN_STATUS = "unknown_status"
    """The operation has a status unknown to clients for `seconds`, then finishes."""
    STALE_404 = "stale_404"
    """The next `reads` reads do not find the created object, and lists omit it."""


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
    """A fault. `route` is the name of a route, such as `create_role`, or * for all; `times` None
    means until it is removed."""

    model_config = ConfigDict(extra="forbid")

    route: str
    how: How
    times: int | None = Field(1, ge=1)
    reads: int = Field(3, ge=1)
    seconds: float = Field(1.0, ge=0)


class Faults:
    """The pending faults, in order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault.model_copy())

    def clear(self) -> None:
        self._faults.clear()

    def list_pending(self) -> list[Fault]:
        """Return the faults that still have to happen."""
        return [fault.model_copy() for fault in self._faults]

    def take(self, route: str, kinds: Collection[How]) -> Fault | None:
        """Return the next fault of these kinds for that route, and count it as happened."""
        for fault in self._faults:
            if fault.route in {route, ANY} and fault.how in kinds:
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self._faults = [other for other in self._faults if other is not fault]
