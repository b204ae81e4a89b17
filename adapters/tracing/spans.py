"""Spans of requests, use cases, steps of providers, and requests to other services.

They hold names, ids and codes of errors: no text of an error, statement, query or body.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.errors import PgvendError, ProviderRejected, Unavailable

PREFIX = "pgvend."
"""Begins the names of attributes that are not OpenTelemetry's."""

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Methods of requests. Callers can invent others, and each would be the name of a span."""

_OTHER_METHOD = "_OTHER"

_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class RequestSpan:
    """The span of a request to the service."""

    span: Span

    @property
    def trace_id(self) -> str:
        return format_trace_id(self.span.get_span_context().trace_id)

    def finish(self, status: int) -> None:
        """Record the status of the answer: a failure only if it is the service's."""
        self.span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self.span.set_attribute("error.type", str(status))
            self.span.set_status(StatusCode.ERROR)


@dataclass(frozen=True)
class Spans:
    """Opens spans, each inside the one that is open in the same task."""

    tracer: Tracer

    @contextmanager
    def trace_request(
        self, method: str, route: str | None, request_id: str, parents: Sequence[str]
    ) -> Iterator[RequestSpan]:
        """Open the span of a request to the service. `parents` are the caller's `traceparent`
        headers: one that is valid continues the caller's trace. `route` has names in the places of
        values; None for an unknown address."""
        method = method if method in METHODS else _OTHER_METHOD
        name = f"{'HTTP' if method == _OTHER_METHOD else method} {route or ''}".strip()
        attributes = {"http.request.method": method, f"{PREFIX}request_id": request_id}
        if route:
            attributes["http.route"] = route
        context = _read_parent(parents)
        with self._open(name, SpanKind.SERVER, attributes, context) as span:
            yield RequestSpan(span)

    @contextmanager
    def trace_use_case(self, name: str) -> Iterator[None]:
        with self._open(name, SpanKind.INTERNAL, {}):
            yield

    @contextmanager
    def trace_step(self, event: str, **fields: str) -> Iterator[None]:
        """Observe a call to a port. Outside of a trace, such as for a health check, it has no
        span."""
        if not _is_in_trace():
            yield
            return
        attributes = {f"{PREFIX}{name}": value for name, value in fields.items()}
        with self._open(event, SpanKind.INTERNAL, attributes):
            yield

    @contextmanager
    def trace_outgoing(self, method: str, server: str, path: str) -> Iterator[Mapping[str, str]]:
        """Open the span of a request to another service, and yield the headers that continue the
        trace there: none outside of a trace."""
        headers: dict[str, str] = {}
        if not _is_in_trace():
            yield headers
            return
        attributes = {"http.request.method": method, "server.address": server, "url.path": path}
        with self._open(method, SpanKind.CLIENT, attributes):
            _PROPAGATOR.inject(headers)
            yield headers

    @contextmanager
    def _open(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str],
        context: Context | None = None,
    ) -> Iterator[Span]:
        """Open a span, and record the code of an error. Its text and its traceback could quote what
        a library was given."""
        with self.tracer.start_as_current_span(
            name,
            context,
            kind,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _record_error(span, error)
                raise


def _record_error(span: Span, error: BaseException) -> None:
    """Record the error: as a failure unless the caller has to change something."""
    code = error.code if isinstance(error, PgvendError) else type(error).__name__
    span.set_attribute("error.type", code)
    if not isinstance(error, PgvendError) or isinstance(error, Unavailable | ProviderRejected):
        span.set_status(StatusCode.ERROR)


def _read_parent(parents: Sequence[str]) -> Context:
    """Return the context in the caller's header; an empty one if it has none, or several."""
    carrier = {"traceparent": parents[0]} if len(parents) == 1 else {}
    return _PROPAGATOR.extract(carrier, Context())


def _is_in_trace() -> bool:
    return get_current_span().get_span_context().is_valid
