"""Tasks of the reconciler, and the use cases that find and finish them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from domain.reconciliation import ReconcileAction

Run = Callable[[], Awaitable[bool | str]]


@dataclass(frozen=True, slots=True)
class ReconcileTask:
    """A task on one database.

    `run` is idempotent. It returns whether it did the task (False: nothing was left to do, or
    another replica is doing it), or a text that says what remains for the next time. A task with
    `run` None is only reported. `detail` says what was found, or why. Tasks on spares are not
    audited: nobody asked for a spare, and nobody has data in it.
    """

    action: ReconcileAction
    id: str
    database: str
    run: Run | None
    detail: str = ""
    is_audited: bool = True


Finish = Callable[[str], Awaitable[bool]]

Detect = Callable[[], Awaitable[list[ReconcileTask]]]
"""Lists tasks that are found by inspecting the provider."""


class Finisher(Protocol):
    """A use case that finishes what a crash or an error interrupted."""

    actions: ClassVar[frozenset[ReconcileAction]]
    """The actions that `finish` performs."""

    async def finish(self, database_id: str) -> bool:
        """Finish what is pending for the database. Return whether this call did so. Idempotent."""


def map_finishers(*finishers: Finisher) -> Mapping[ReconcileAction, Finish]:
    """Return the `finish` that performs each action."""
    return {action: each.finish for each in finishers for action in each.actions}


def map_detectors(*, detect_drift: Detect, limit_sizes: Detect) -> Mapping[ReconcileAction, Detect]:
    """Return the detectors, by the action that is reported if one fails."""
    return {ReconcileAction.COMPARE: detect_drift, ReconcileAction.MEASURE: limit_sizes}
