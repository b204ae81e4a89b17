"""Export of spans: lost ones are reported, and the end of the service does not wait for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import structlog
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from adapters.tracing.export import ReportingExporter, open_spans

OK, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE

SECRET_URL = "https://ann:hunter2@collector.example:4318/key-hunter3/v1/traces"


@dataclass
class PreparedExporter(SpanExporter):
    results: list[SpanExportResult] = field(default_factory=list)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.results.pop(0)


def test_a_collector_that_is_away_is_reported_once_and_so_is_its_return() -> None:
    spans = [ReadableSpan("a"), ReadableSpan("b")]
    prepared = PreparedExporter([OK, FAILURE, FAILURE, OK, OK, FAILURE])
    with capture_logs() as logs:
        exporter = ReportingExporter(prepared, SECRET_URL, structlog.get_logger())
        results = [exporter.export(spans) for _ in range(6)]

    assert results == [OK, FAILURE, FAILURE, OK, OK, FAILURE]
    assert [log["event"] for log in logs] == ["traces.lost", "traces.resumed", "traces.lost"]
    assert logs[1]["lost_spans"] == 4
    assert {log["collector"] for log in logs} == {"collector.example:4318"}
    assert "hunter" not in repr(logs)


@dataclass
class StuckProcessor(SpanProcessor):
    """A processor whose collector takes the last spans only when it is released."""

    released: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)

    def shutdown(self) -> None:
        self.released.wait()
        self.ended.set()


def test_the_service_stops_although_its_collector_is_stuck() -> None:
    stuck = StuckProcessor()
    with open_spans(stuck, "0", flush_timeout=0):
        pass
    assert not stuck.ended.is_set()
    stuck.released.set()
    assert stuck.ended.wait(timeout=60)


def test_the_last_spans_are_sent_before_the_end() -> None:
    processor = StuckProcessor()
    processor.released.set()
    with open_spans(processor, "0"):
        pass
    assert processor.ended.is_set()
