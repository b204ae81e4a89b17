"""Spans that tests collect: in memory, or as an OTLP collector over HTTP."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from adapters.tracing.export import open_spans
from adapters.tracing.spans import Spans

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


@dataclass(frozen=True)
class RecordedSpans:
    """Spans that were opened by `tracing`, after they have ended."""

    tracing: Spans
    exporter: InMemorySpanExporter

    def list(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def find(self, name: str) -> ReadableSpan:
        """Return the only span of that name."""
        [span] = [each for each in self.list() if each.name == name]
        return span

    def tree(self) -> Mapping[str, str | None]:
        """Return the name of each span with that of its parent."""
        names = {span.context.span_id: span.name for span in self.list() if span.context}
        return {
            span.name: names.get(span.parent.span_id) if span.parent else None
            for span in self.list()
        }


@contextmanager
def recording_spans() -> Iterator[RecordedSpans]:
    exporter = InMemorySpanExporter()
    with open_spans(SimpleSpanProcessor(exporter), "0") as spans:
        yield RecordedSpans(spans, exporter)


@dataclass
class Collector:
    """A collector for OTLP over HTTP: what it received, and the status that it answers."""

    url: str = ""
    status: int = 200
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    spans: list[Any] = field(default_factory=list)
    resources: list[Mapping[str, str]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.headers.append(dict(request.headers))
        self.bodies.append(body)
        if self.status == 200:
            self._store(ExportTraceServiceRequest.FromString(body))
        return web.Response(status=self.status)

    def _store(self, message: ExportTraceServiceRequest) -> None:
        for group in message.resource_spans:
            attributes = group.resource.attributes
            self.resources.append({each.key: each.value.string_value for each in attributes})
            self.spans += [span for scope in group.scope_spans for span in scope.spans]

    def list_names(self) -> set[str]:
        return {span.name for span in self.spans}


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    site = web.Application()
    site.router.add_post("/v1/traces", collector.receive)
    async with TestServer(site) as server:
        collector.url = str(server.make_url("")).rstrip("/")
        yield collector


def format_traceparent(span: ReadableSpan) -> str:
    """Return the header of a request inside the span."""
    context = span.context
    assert context is not None
    trace, parent = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return f"00-{trace}-{parent}-{context.trace_flags:02x}"
