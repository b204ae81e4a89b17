"""Measurement of the reconciler."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from domain.reconciliation import ReconcileAction
from ports.driven.clock import Clock
from ports.driven.metrics import DONE, Metrics, describe_outcome

PARTIAL = "partial"
REPORTED = "reported"
"""Outcomes of tasks, besides `done` and the codes of errors."""


@contextmanager
def measure_run(metrics: Metrics, clock: Clock) -> Iterator[None]:
    """Count the run that is the body."""
    outcome = DONE
    try:
        yield
    except BaseException as error:
        outcome = describe_outcome(error)
        raise
    finally:
        metrics.count_reconciliation(outcome, clock.now())


def count_tasks(
    metrics: Metrics, tasks: Collection[tuple[ReconcileAction, str]], *, is_complete: bool
) -> None:
    """Count tasks with their outcomes. Those of a complete run show what is unresolved."""
    for action, outcome in tasks:
        metrics.count_reconciler_task(action, outcome)
    if is_complete:
        metrics.set_unresolved(Counter(action for action, outcome in tasks if outcome != DONE))
