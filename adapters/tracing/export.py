"""Export of spans to a collector, by OTLP over HTTP."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers
from structlog.stdlib import BoundLogger

from adapters.tracing.spans import Spans
from domain.secrets import Secret

SERVICE = "pgvend"

FLUSH_TIMEOUT = 3.0
"""Seconds in which the last spans are sent when the service stops."""


@contextmanager
def open_export(
    endpoint: str, headers: Secret | None, version: str, log: BoundLogger
) -> Iterator[Spans]:
    """Export spans to the endpoint, in the background, until the context exits.

    OpenTelemetry reads its other variables itself: sampling, limits, attributes, and headers unless
    they are given.
    """
    exporter = ReportingExporter(_create_exporter(endpoint, headers), endpoint, log)
    processor = BatchSpanProcessor(exporter)
    with open_spans(processor, version) as spans:
        yield spans


@contextmanager
def open_spans(
    processor: SpanProcessor, version: str, flush_timeout: float = FLUSH_TIMEOUT
) -> Iterator[Spans]:
    """Pass spans to the processor until the context exits."""
    provider = TracerProvider(resource=_describe_service(version), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    try:
        yield Spans(provider.get_tracer(SERVICE, version))
    finally:
        _shut_down(provider, flush_timeout)


@dataclass
class ReportingExporter(SpanExporter):
    """Logs once when spans begin to be lost, and once when they are accepted again: a collector
    that is away would otherwise fill the log."""

    inner: SpanExporter
    endpoint: str
    log: BoundLogger
    _lost: int = field(default=0, init=False)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self.inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._report_success()
        else:
            self._report_loss(len(spans))
        return result

    def shutdown(self) -> None:
        self.inner.shutdown()

    def _report_loss(self, count: int) -> None:
        if not self._lost:
            self.log.warning(
                "traces.lost",
                collector=_name_server(self.endpoint),
                detail="the collector does not accept spans",
                fix="check the OTEL_EXPORTER_OTLP_* variables, and whether the collector runs",
            )
        self._lost += count

    def _report_success(self) -> None:
        if self._lost:
            self.log.info(
                "traces.resumed", collector=_name_server(self.endpoint), lost_spans=self._lost
            )
        self._lost = 0


def _create_exporter(endpoint: str, headers: Secret | None) -> SpanExporter:
    """Return an exporter whose own log of errors is off: it would quote the endpoint's path, which
    can hold a key."""
    import requests  # noqa: PLC0415 - a part of it opens a socket when it is imported

    session = requests.Session()
    session.trust_env = False  # neither proxies nor .netrc: pgvend reads no such variables
    given = parse_env_headers(headers.reveal(), liberal=True) if headers else None
    exporter = OTLPSpanExporter(endpoint, headers=given, session=session)
    for name in ("opentelemetry.exporter", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return exporter


def _describe_service(version: str) -> Resource:
    """Return the attributes of all spans; those of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    have precedence."""
    own = Resource({"service.name": SERVICE, "service.version": version})
    return Resource.create().merge(own).merge(OTELResourceDetector().detect())


def _shut_down(provider: TracerProvider, timeout: float) -> None:
    """Send the spans that are left; give up if the collector does not take them in time."""
    flush = Thread(target=provider.shutdown, daemon=True)
    flush.start()
    flush.join(timeout)


def _name_server(endpoint: str) -> str:
    """Return the host and port of the endpoint, without a user or a path that could hold a key."""
    parts = urlsplit(endpoint)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
