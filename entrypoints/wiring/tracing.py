"""Traces, if they are exported: what the service shows of its work, and where it goes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, wraps
from importlib.metadata import version
from inspect import iscoroutinefunction
from typing import Any, Protocol, TypeVar, cast

import structlog

from domain.errors import StartupError
from entrypoints.config.traces import find_trace_export

T = TypeVar("T")


class RequestTrace(Protocol):
    """A request to the service in its trace."""

    @property
    def trace_id(self) -> str: ...

    def finish(self, status: int) -> None:
        """Record the status of the answer."""


class Tracing(Protocol):
    """Opens spans. `adapters/tracing` implements it, without being imported where traces are off:
    OpenTelemetry is an extra."""

    def trace_request(
        self, method: str, route: str | None, request_id: str, parents: Sequence[str]
    ) -> AbstractContextManager[RequestTrace]: ...

    def trace_use_case(self, name: str) -> AbstractContextManager[None]: ...

    def trace_step(self, event: str, **fields: str) -> AbstractContextManager[None]: ...

    def trace_outgoing(
        self, method: str, server: str, path: str
    ) -> AbstractContextManager[Mapping[str, str]]: ...


class HasTracing(Protocol):
    @property
    def tracing(self) -> Tracing | None: ...


@contextmanager
def open_tracing(variables: Mapping[str, str]) -> Iterator[Tracing | None]:
    """Export traces as the variables of the environment say until the context exits; yield None if
    they name no endpoint. Raises StartupError."""
    export = find_trace_export(variables)
    if export is None:
        yield None
        return
    try:
        from adapters.tracing.export import open_export  # noqa: PLC0415 - it needs the extra
    except ImportError as error:
        raise StartupError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and pgvend was installed without the libraries "
            "for traces: run `make setup-traces`, or install pgvend[traces], or unset the variable."
        ) from error
    with open_export(
        export.endpoint, export.headers, version("pgvend"), structlog.get_logger()
    ) as tracing:
        yield tracing


def use_case(create: Callable[[Any], T]) -> cached_property[T]:
    """Decorate a method that creates a use case, or none: make it a cached property. If traces are
    exported, each call of the use case has a span."""

    @wraps(create)
    def create_traced(self: HasTracing) -> T:
        made = create(self)
        if made is None or self.tracing is None:
            return made
        return cast("T", TracedUseCase(made, self.tracing))

    return cached_property(create_traced)


class TracedUseCase:
    """A use case whose calls have spans, and which is the same as the use case otherwise."""

    def __init__(self, inner: Any, tracing: Tracing) -> None:
        self._inner, self._tracing = inner, tracing
        self._name = type(inner).__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._trace(self._inner.__call__, self._name)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._trace(value, f"{self._name}.{name}")

    def _trace(self, value: Any, name: str) -> Any:
        """Return a coroutine function whose calls have spans; anything else as it is."""
        if not iscoroutinefunction(value):
            return value

        async def call(*args: Any, **kwargs: Any) -> Any:
            with self._tracing.trace_use_case(name):
                return await value(*args, **kwargs)

        return call
