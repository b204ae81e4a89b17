"""Traces of requests, from the caller to the steps of the provider."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from structlog.testing import LogCapture, capture_logs

from adapters.memory.provider import MemoryProvider
from entrypoints.config.traces import ENDPOINT
from entrypoints.wiring.tracing import open_tracing
from tests.support.apps import RunningApp, running_app
from tests.support.keyed_clients import ADMIN_KEY, bearer
from tests.support.tracing import (
    PARENT_ID,
    TRACE_ID,
    TRACEPARENT,
    RecordedSpans,
    recording_spans,
    running_collector,
)

CREATE = "POST /v1/databases"
SHOW = "GET /v1/databases/{id}"


@pytest.fixture
def spans() -> Iterator[RecordedSpans]:
    with recording_spans() as recorded:
        yield recorded


@pytest.fixture
async def traced(spans: RecordedSpans) -> AsyncIterator[RunningApp]:
    async with running_app(tracing=spans.tracing) as app:
        yield app


async def test_a_creation_is_a_trace_from_the_request_to_the_steps_of_the_provider(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    created = await traced.create_database("shop")

    tree = spans.tree()
    assert tree[CREATE] is None
    assert tree["AuthenticateCaller"] == tree["CreateDatabase"] == CREATE
    assert tree["ProvisionDatabase"] == "CreateDatabase"
    assert tree["RecordCreation"] == "ProvisionDatabase"
    assert tree["provider.provision"] == tree["login_check.verify"] == "ProvisionDatabase"
    assert _read(spans.find("provider.provision")) == {"pgvend.id": created["id"]}


async def test_the_span_of_a_request_says_what_was_asked_and_answered(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    await traced.ask("POST", "/v1/databases", {"nickname": "shop"}, {"X-Request-ID": "r-1"})

    span = spans.find(CREATE)
    assert span.kind is SpanKind.SERVER
    assert _read(span) == {
        "http.request.method": "POST",
        "http.route": "/v1/databases",
        "http.response.status_code": 201,
        "pgvend.request_id": "r-1",
    }


async def test_the_trace_of_a_caller_is_continued(traced: RunningApp, spans: RecordedSpans) -> None:
    await traced.ask("GET", "/v1/databases/db_1", headers={"traceparent": TRACEPARENT})
    parent = spans.find(SHOW).parent
    assert parent is not None
    assert (format_trace_id(parent.trace_id), format_span_id(parent.span_id)) == (
        TRACE_ID,
        PARENT_ID,
    )


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", "00-nonsense")],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
        [("tracestate", "a=b"), ("baggage", "key=value")],
    ],
    ids=["invalid", "two", "none"],
)
async def test_without_one_valid_parent_a_trace_begins(
    traced: RunningApp, spans: RecordedSpans, headers: list[tuple[str, str]]
) -> None:
    await traced.ask("GET", "/v1/databases/db_1", headers=headers)
    assert spans.find(SHOW).parent is None


async def test_a_caller_that_does_not_sample_its_trace_has_no_spans(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    await traced.create_database("first")
    before = {span.name for span in spans.list()}
    unsampled = TRACEPARENT.removesuffix("01") + "00"
    await traced.ask("GET", "/v1/databases/db_1", headers={"traceparent": unsampled})
    assert CREATE in before
    assert SHOW not in {span.name for span in spans.list()}


async def test_callers_cannot_invent_names_of_spans(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    await traced.ask("GET", "/no-such-page?key=hunter2")
    await traced.ask("PROPFIND", "/v1/databases")
    assert {span.name for span in spans.list() if span.kind is SpanKind.SERVER} == {"GET", "HTTP"}
    assert "hunter2" not in _dump(spans)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health_checks_are_not_traced(
    traced: RunningApp, spans: RecordedSpans, path: str
) -> None:
    await traced.get(path)
    assert not [span for span in spans.list() if "Spare" not in span.name]


async def test_the_search_for_deliveries_is_not_traced(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    assert await traced.use_cases.webhooks.send.claim() == []
    assert not [name for name in spans.tree() if name.startswith("SendDeliveries")]


async def test_a_mistake_of_the_caller_is_not_a_failure(
    traced: RunningApp, spans: RecordedSpans
) -> None:
    await traced.ask("GET", "/v1/databases/db_1")
    find = next(span for span in spans.list() if span.name.startswith("FindDatabase"))
    assert _read(find)["error.type"] == "database_not_found"
    assert find.status.status_code is spans.find(SHOW).status.status_code is StatusCode.UNSET


class BrokenProvider(MemoryProvider):
    """A provider whose errors quote a secret."""

    async def provision(self, request: Any) -> Any:
        raise RuntimeError("PASSWORD 'hunter2'")


async def test_a_failure_has_the_type_of_its_error_and_not_the_text(spans: RecordedSpans) -> None:
    async with running_app(BrokenProvider(), tracing=spans.tracing) as app:
        with capture_logs():  # rendering the traceback would take a second
            answer = await app.ask("POST", "/v1/databases", {"nickname": "shop"})
    assert answer.status == 500
    request, step = spans.find(CREATE), spans.find("provider.provision")
    assert request.status.status_code is step.status.status_code is StatusCode.ERROR
    assert (_read(request)["error.type"], _read(step)["error.type"]) == ("500", "RuntimeError")
    assert "hunter2" not in _dump(spans)


async def test_no_key_and_no_password_is_in_a_span(spans: RecordedSpans) -> None:
    async with running_app(tracing=spans.tracing, admin_key=ADMIN_KEY) as app:
        by = bearer(ADMIN_KEY)
        created = (await app.ask("POST", "/v1/databases", {"nickname": "a"}, by)).body
        path = f"/v1/databases/{created['id']}"
        shown = (await app.ask("GET", f"{path}/connection", headers=by)).body
        rotated = (await app.ask("POST", f"{path}/rotate", headers=by)).body
        key = (await app.ask("POST", "/v1/keys", {"scopes": ["read"]}, by)).body
        await app.ask("DELETE", f"/v1/keys/{key['id']}", headers=by)
    connections = (created["connection"], shown, rotated["connection"])
    secrets = {*(each["password"] for each in connections), ADMIN_KEY, key["key"], key["id"]}
    text = _dump(spans)
    assert "RotatePassword" in text
    assert not [secret for secret in secrets if secret in text]


async def test_log_lines_of_a_request_have_the_id_of_its_trace(traced: RunningApp) -> None:
    capture = LogCapture()
    former = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    try:
        await traced.ask("GET", "/v1/databases/db_1", headers={"traceparent": TRACEPARENT})
    finally:
        structlog.configure(processors=former)
    [line] = [each for each in capture.entries if each["event"] == "http.request"]
    assert line["trace_id"] == TRACE_ID


async def test_spans_are_sent_to_the_collector_that_is_set(tmp_path: Path) -> None:
    headers = tmp_path / "headers"
    headers.write_text("authorization=Bearer%20a-key,x-team=shop\n")
    async with running_collector() as collector:
        with ExitStack() as closing:
            variables = {ENDPOINT: collector.url, "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(headers)}
            tracing = closing.enter_context(open_tracing(variables))
            async with running_app(tracing=tracing) as app:
                await app.create_database("shop")
            await asyncio.to_thread(closing.close)
    assert {CREATE, "CreateDatabase", "provider.provision"} <= collector.list_names()
    sent = {name.lower(): value for name, value in collector.headers[0].items()}
    assert sent["content-type"] == "application/x-protobuf"
    assert (sent["authorization"], sent["x-team"]) == ("Bearer a-key", "shop")
    assert collector.resources[0]["service.name"] == "pgvend"
    assert collector.resources[0]["service.version"]


def _read(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _dump(spans: RecordedSpans) -> str:
    return "\n".join(span.to_json() for span in spans.list())
