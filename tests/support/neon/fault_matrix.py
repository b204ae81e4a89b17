"""The fault matrix: every call that changes something on Neon, times everything that befalls it.

`CALLS` and `FAULTS` are all that there is to choose from; `cells` pairs them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.target import Isolation
from entrypoints.neon_emulator.faults import DURING, Fault, How

WHILE = 5
"""How often something happens that happens for a while."""


@dataclass(frozen=True)
class Trouble:
    """`times` as a fault has it: None is for ever. `seconds` are of an operation's detour."""

    title: str
    how: How
    times: int | None = 1
    seconds: float = 0.1

    def fault(self, route: str) -> Fault:
        return Fault(which=route, how=self.how, times=self.times, seconds=self.seconds)


@dataclass(frozen=True)
class Call:
    """`route` is what the emulator knows it by; `asked` what the service is doing then."""

    title: str
    asked: str  # vend, rotate or delete
    isolation: Isolation
    route: str

    def suffers(self, trouble: Trouble) -> bool:
        """Nothing that was not begun can fail on its way, and only what is new can be stale."""
        if trouble.how is How.STALE_404:
            return self.asked == "vend"
        return not (trouble.how in DURING and self.route == "delete_project")


@dataclass(frozen=True)
class Cell:
    call: Call
    trouble: Trouble

    def __str__(self) -> str:
        return f"{self.call.isolation}, {self.call.title}, {self.trouble.title}"


def _both(title: str, how: How) -> tuple[Trouble, Trouble]:
    return Trouble(f"{title}, once", how), Trouble(f"{title}, every time", how, None)


FAULTS: Sequence[Trouble] = (
    *_both("connection reset before it is done", How.RESET_BEFORE),
    *_both("503", How.UNAVAILABLE),
    *_both("429", How.LIMITED),
    *_both("429 with `Retry-After`", How.LIMITED_RETRY_AFTER),
    Trouble("423 for a while", How.LOCKED, WHILE),
    Trouble("423 for ever", How.LOCKED, None),
    *_both("done, and the answer is lost", How.LOST_AFTER),
    *_both("done, and no answer comes", How.HANG),
    *_both("done, and the answer is a 500", How.FAILED_AFTER),
    *_both("done, and the answer is a gateway's 524 in HTML", How.GATEWAY_HTML),
    *_both("done, and the answer is broken JSON", How.GARBAGE),
    *_both("the operation fails", How.FAILING_OPERATION),
    Trouble("the operation fails, and recovers", How.RECOVERING_OPERATION),
    Trouble("the operation has a status of its own", How.UNKNOWN_STATUS),
    Trouble("404 for what was just made", How.STALE_404),
)

CALLS: Sequence[Call] = (
    Call("create role", "vend", Isolation.NONE, "create_role"),
    Call("create database", "vend", Isolation.NONE, "create_database"),
    Call("reset password", "rotate", Isolation.NONE, "reset_password"),
    Call("delete database", "delete", Isolation.NONE, "delete_database"),
    Call("delete role", "delete", Isolation.NONE, "delete_role"),
    Call("create project", "vend", Isolation.PROJECT, "create_project"),
    Call("reset password", "rotate", Isolation.PROJECT, "reset_password"),
    Call("delete project", "delete", Isolation.PROJECT, "delete_project"),
)


def cells() -> Iterator[Cell]:
    """Each call with each fault that it can suffer."""
    return (Cell(call, fault) for call in CALLS for fault in FAULTS if call.suffers(fault))
