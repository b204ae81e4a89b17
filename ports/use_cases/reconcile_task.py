"""A task of the reconciler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.reconciliation import ReconcileAction

Run = Callable[[], Awaitable[bool | str]]


@dataclass(frozen=True, slots=True)
class ReconcileTask:
    """`run` is idempotent. It returns whether it did the task (False: nothing was left to do, or
    another replica is doing it), or a text that says what remains for the next time. A task with
    `run` None is only reported. `detail` says what was found, or why."""

    action: ReconcileAction
    id: str
    database: str
    run: Run | None
    detail: str = ""
