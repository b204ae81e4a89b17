"""Measurement of requests to Neon's API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from ports.driven.clock import Clock
from ports.driven.metrics import DONE, Metrics, describe_outcome

TraceRequest = Callable[[str, str, str], AbstractContextManager[Mapping[str, str]]]
"""Opens the span of a request of this method to this server and path, and yields its headers."""


@dataclass(frozen=True)
class NeonRequestMeter:
    """Counts each request by its method: its path has names of databases. Lets `trace_request`
    open the span of the request, if there is one."""

    clock: Clock
    metrics: Metrics
    trace_request: TraceRequest | None = None

    @contextmanager
    def __call__(self, method: str, server: str, path: str) -> Iterator[Mapping[str, str]]:
        started_at, outcome = self.clock.elapsed(), DONE
        span = self.trace_request(method, server, path) if self.trace_request else nullcontext({})
        try:
            with span as headers:
                yield headers
        except BaseException as error:
            outcome = describe_outcome(error)
            raise
        finally:
            seconds = self.clock.elapsed() - started_at
            self.metrics.count_neon_request(method, outcome, seconds)
