"""An observer of calls to ports that measures them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ports.driven.clock import Clock
from ports.driven.metrics import DONE, Metrics, describe_outcome


@dataclass(frozen=True)
class StepMeter:
    """Counts each call, with its duration and its outcome. The fields, such as ids, do not become
    labels."""

    clock: Clock
    metrics: Metrics

    @contextmanager
    def __call__(self, event: str, **fields: str) -> Iterator[None]:
        started_at, outcome = self.clock.elapsed(), DONE
        try:
            yield
        except BaseException as error:
            outcome = describe_outcome(error)
            raise
        finally:
            self.metrics.count_step(event, outcome, self.clock.elapsed() - started_at)
