"""The fault matrix: every call that changes something on Neon, combined with every fault.

`cells` pairs `CALLS` with `FAULTS`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.targets import Isolation
from entrypoints.neon_emulator.state.faults import DURING, Fault, How

REPEATED_TIMES = 5
"""How often a fault happens that lasts for a while."""


@dataclass(frozen=True)
class FaultCase:
    """A kind of fault. `times` None means always; `seconds` is the delay of an operation."""

    title: str
    how: How
    times: int | None = 1
    seconds: float = 0.1

    def create_fault(self, route: str) -> Fault:
        return Fault(route=route, how=self.how, times=self.times, seconds=self.seconds)


@dataclass(frozen=True)
class Call:
    """A call to Neon. `route` is its name in the emulator, `use_case` the action of the service."""

    title: str
    use_case: str  # create, rotate or delete
    isolation: Isolation
    route: str

    def can_have(self, fault: FaultCase) -> bool:
        """Return whether the fault is possible: deleting a project has no operations, and only new
        objects can be stale."""
        if fault.how is How.STALE_404:
            return self.use_case == "create"
        return not (fault.how in DURING and self.route == "delete_project")


@dataclass(frozen=True)
class Cell:
    """A call with a fault."""

    call: Call
    fault: FaultCase

    def __str__(self) -> str:
        return f"{self.call.isolation}, {self.call.title}, {self.fault.title}"


def _both(title: str, how: How) -> tuple[FaultCase, FaultCase]:
    return FaultCase(f"{title}, once", how), FaultCase(f"{title}, every time", how, None)


FAULTS: Sequence[FaultCase] = (
    *_both("connection reset before the call", How.RESET_BEFORE),
    *_both("503", How.UNAVAILABLE),
    *_both("429", How.LIMITED),
    *_both("429 with `Retry-After`", How.LIMITED_RETRY_AFTER),
    FaultCase("423 for a while", How.LOCKED, REPEATED_TIMES),
    FaultCase("423, every time", How.LOCKED, None),
    *_both("done, and the response is lost", How.LOST_AFTER),
    *_both("done, and no response arrives", How.HANG),
    *_both("done, and the response is a 500", How.FAILED_AFTER),
    *_both("done, and the response is a gateway's 524 in HTML", How.GATEWAY_HTML),
    *_both("done, and the response is truncated JSON", How.GARBAGE),
    *_both("the operation fails", How.FAILING_OPERATION),
    FaultCase("the operation fails and recovers", How.RECOVERING_OPERATION),
    FaultCase("the operation has an unknown status", How.UNKNOWN_STATUS),
    FaultCase("404 for a new object", How.STALE_404),
)

CALLS: Sequence[Call] = (
    Call("create role", "create", Isolation.NONE, "create_role"),
    Call("create database", "create", Isolation.NONE, "create_database"),
    Call("reset password", "rotate", Isolation.NONE, "reset_password"),
    Call("delete database", "delete", Isolation.NONE, "delete_database"),
    Call("delete role", "delete", Isolation.NONE, "delete_role"),
    Call("create project", "create", Isolation.PROJECT, "create_project"),
    Call("reset password", "rotate", Isolation.PROJECT, "reset_password"),
    Call("delete project", "delete", Isolation.PROJECT, "delete_project"),
)


def cells() -> Iterator[Cell]:
    """Return each call with each fault that is possible for it."""
    return (Cell(call, fault) for call in CALLS for fault in FAULTS if call.can_have(fault))
