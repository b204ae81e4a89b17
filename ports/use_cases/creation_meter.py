"""Measurement of creations."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.database import Database
from ports.driven.clock import Clock
from ports.driven.metrics import DONE, CreationPath, Metrics, describe_outcome


@contextmanager
def measure_creation(metrics: Metrics, clock: Clock, path: CreationPath) -> Iterator[None]:
    """Count the creation that the body completes, with its duration and its outcome."""
    started_at, outcome = clock.elapsed(), DONE
    try:
        yield
    except BaseException as error:
        outcome = describe_outcome(error)
        raise
    finally:
        metrics.count_creation(path, outcome, clock.elapsed() - started_at)


def find_path(database: Database) -> CreationPath:
    """Return how a database without a spare is provisioned."""
    return CreationPath.COPIED if database.source else CreationPath.COLD
