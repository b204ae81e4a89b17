"""Preflights of pages that send tracing headers, and what a refused one says."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.support.apps import Answer, RunningApp, problem_in, running_app

OURS = "https://app.example"
FOREIGN = "https://evil.example"

TRACING = [
    *("traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id", "b3"),
    *("X-B3-TraceId", "x-datadog-trace-id", "x-datadog-sampling-priority", "uber-trace-id"),
    *("x-amzn-trace-id", "x-cloud-trace-context", "elastic-apm-traceparent", "newrelic"),
    *("request-id", "request-context", "x-correlation-id", "grpc-trace-bin", "x-ot-span-context"),
]
UNSAFE = ["x-forwarded-for", "x-remote-user", "x-http-method-override", "forwarded", "x-traces"]


@pytest.fixture
async def allowing() -> AsyncIterator[RunningApp]:
    async with running_app(cors_allow_origins=OURS, cors_allow_headers="X-Client, x-b") as app:
        yield app


async def preflight(
    app: RunningApp,
    *,
    origin: str = OURS,
    method: str = "POST",
    headers: str = "content-type",
    path: str = "/v1/databases",
) -> Answer:
    sent = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return await app.ask("OPTIONS", path, headers=sent)


@pytest.mark.parametrize("header", [*TRACING, "x-client", "X-B", ",".join(TRACING)])
async def test_a_page_on_the_list_may_send_tracing_headers_and_those_of_the_operator(
    allowing: RunningApp, header: str
) -> None:
    answer = await preflight(allowing, headers=f"content-type, {header}")

    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
    assert answer.status == 200
    assert set(header.lower().split(",")) < set(allowed)


@pytest.mark.parametrize("header", UNSAFE)
async def test_a_header_by_which_a_proxy_may_decide_is_refused(
    allowing: RunningApp, header: str
) -> None:
    answer = await preflight(allowing, headers=f"traceparent, {header}")

    problem = problem_in(answer, 403, "preflight_refused")
    assert f"may not send the header {header}:" in problem["detail"]
    assert OURS in problem["detail"]
    assert "PGVEND_CORS_ALLOW_HEADERS" in problem["detail"]


@pytest.mark.parametrize("path", ["/v1/databases", "/api/create-neon-db"])
async def test_a_refused_origin_is_named_to_the_caller_and_in_the_log(
    allowing: RunningApp, path: str
) -> None:
    with capture_logs() as logged:
        answer = await preflight(allowing, origin=FOREIGN, path=path)

    problem = problem_in(answer, 403, "preflight_refused")
    assert f"the origin {FOREIGN} may not ask: add it to CORS_ALLOW_ORIGINS" in problem["detail"]
    refusals = [entry for entry in logged if entry["event"] == "cors.refused"]
    assert [(each["origin"], each["log_level"]) for each in refusals] == [(FOREIGN, "warning")]


async def test_a_refused_method_is_named_with_those_there_are(allowing: RunningApp) -> None:
    answer = await preflight(allowing, method="PUT")

    problem = problem_in(answer, 403, "preflight_refused")
    assert problem["detail"] == "PUT is not allowed here; use GET, HEAD, POST."


async def test_without_a_list_a_refusal_says_so_too(app: RunningApp) -> None:
    problem = problem_in(await preflight(app), 403, "preflight_refused")
    assert "CORS_ALLOW_ORIGINS" in problem["detail"]


async def test_a_page_without_an_origin_is_told_to_have_one(allowing: RunningApp) -> None:
    problem = problem_in(await preflight(allowing, origin="null"), 403, "preflight_refused")
    assert "serve the page by HTTP" in problem["detail"]


async def test_options_that_are_no_preflight_are_told_what_is_missing(app: RunningApp) -> None:
    problem = problem_in(await app.ask("OPTIONS", "/v1/databases"), 403, "preflight_refused")
    assert "Access-Control-Request-Method" in problem["detail"]


async def test_what_a_caller_sent_is_shown_in_plain_ascii(allowing: RunningApp) -> None:
    answer = await preflight(allowing, origin="https://é\u202e.example" + "x" * 1000)

    detail = problem_in(answer, 403, "preflight_refused")["detail"]
    assert r"https://\xe9" in detail
    assert len(detail) < 400
