"""CORS: which web pages may send requests and read answers, and refused preflights."""

from collections.abc import AsyncIterator, Iterable

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import Answer, RunningApp, check_problem, running_app
from tests.support.provider_faults import fail_at

ALLOWED = "https://app.example"
FOREIGN = "https://evil.example"
PATHS = ("/v1/databases", "/api/create-neon-db")

API_HEADERS = (
    "authorization, content-type, idempotency-key, if-match, last-event-id, prefer, x-request-id"
)

EXPOSED_HEADERS = {
    *("ETag", "Location", "Pgvend-Verified", "Preference-Applied", "RateLimit"),
    *("RateLimit-Policy", "Retry-After", "X-Request-ID"),
}

TRACING = [
    *("traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id", "b3"),
    *("X-B3-TraceId", "x-datadog-trace-id", "x-datadog-sampling-priority", "uber-trace-id"),
    *("x-amzn-trace-id", "x-cloud-trace-context", "elastic-apm-traceparent", "newrelic"),
    *("request-id", "request-context", "x-correlation-id", "grpc-trace-bin", "x-ot-span-context"),
]
UNSAFE = ["x-forwarded-for", "x-remote-user", "x-http-method-override", "forwarded", "x-traces"]


@pytest.fixture
async def cors_app() -> AsyncIterator[RunningApp]:
    origins = f"{ALLOWED}, http://localhost:5173"
    async with running_app(cors_allow_origins=origins, cors_allow_headers="X-Client, x-b") as app:
        yield app


async def preflight(
    app: RunningApp,
    origin: str = ALLOWED,
    *,
    method: str = "POST",
    headers: str = "content-type",
    path: str = "/v1/databases",
) -> Answer:
    request_headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return await app.ask("OPTIONS", path, headers=request_headers)


def refusal_of(answer: Answer) -> str:
    return str(check_problem(answer, 403, "preflight_refused")["detail"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:5173"])
async def test_an_allowed_page_may_send_requests(
    cors_app: RunningApp, path: str, origin: str
) -> None:
    answer = await preflight(cors_app, origin, path=path)

    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    assert answer.headers["Access-Control-Allow-Headers"].lower() == "content-type"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        "http://app.example",
        f"{ALLOWED}:8443",
        f"{ALLOWED}.evil.example",
        f"{ALLOWED}/",
    ],
)
async def test_a_foreign_page_is_refused_and_logged(
    cors_app: RunningApp, path: str, origin: str
) -> None:
    with capture_logs() as logs:
        answer = await preflight(cors_app, origin, path=path)

    assert _cors_headers(answer.headers) == set()
    advice = "page over HTTP" if origin == "null" else "add it to CORS_ALLOW_ORIGINS"
    assert f"the origin {origin} may not send requests" in refusal_of(answer) or origin == "null"
    assert advice in refusal_of(answer)
    refusals = [entry for entry in logs if entry["event"] == "cors.refused"]
    assert [(each["origin"], each["log_level"]) for each in refusals] == [(origin, "warning")]
    for read in ("/v1/databases", "/no"):
        answer = await cors_app.ask("GET", read, headers={"Origin": origin})
        assert _cors_headers(answer.headers) == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/databases"),
        ("PATCH", "/v1/databases/db_x"),
        ("DELETE", "/v1/databases/db_x"),
        *(("GET", f"/v1/databases/db_x/{what}") for what in ("events", "connection")),
        *(("POST", f"/v1/databases/db_x/{what}") for what in ("rotate", "restore")),
    ],
)
async def test_a_page_may_use_all_methods_and_headers_of_the_api(
    cors_app: RunningApp, method: str, path: str
) -> None:
    answer = await preflight(cors_app, method=method, headers=API_HEADERS, path=path)
    assert (answer.status, answer.headers["Access-Control-Allow-Methods"]) == (200, method)


@pytest.mark.parametrize("header", [*TRACING, "x-client", "X-B", ",".join(TRACING)])
async def test_an_allowed_page_may_send_tracing_and_configured_headers(
    cors_app: RunningApp, header: str
) -> None:
    answer = await preflight(cors_app, headers=f"content-type, {header}")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
    assert answer.status == 200
    assert set(header.lower().split(",")) < set(allowed)


@pytest.mark.parametrize("header", UNSAFE)
async def test_a_header_that_proxies_trust_is_refused(cors_app: RunningApp, header: str) -> None:
    why = refusal_of(await preflight(cors_app, headers=f"traceparent, {header}"))
    assert f"may not send the header {header}:" in why
    assert ALLOWED in why
    assert "PGVEND_CORS_ALLOW_HEADERS" in why


async def test_a_refused_method_is_shown_with_the_allowed_ones(cors_app: RunningApp) -> None:
    assert (
        refusal_of(await preflight(cors_app, method="PUT"))
        == "PUT is not allowed here; use GET, HEAD, POST."
    )


@pytest.mark.parametrize("path", PATHS)
async def test_without_an_allow_list_all_pages_are_refused(app: RunningApp, path: str) -> None:
    refusal = await preflight(app, path=path)
    answer = await app.ask("GET", "/v1/databases", headers={"Origin": ALLOWED})
    assert "CORS_ALLOW_ORIGINS" in refusal_of(refusal)
    assert _cors_headers([*refusal.headers, *answer.headers]) == set()


async def test_options_without_preflight_headers_are_refused(app: RunningApp) -> None:
    detail = refusal_of(await app.ask("OPTIONS", "/v1/databases"))
    assert "Access-Control-Request-Method" in detail


async def test_the_origin_of_a_refused_preflight_is_quoted_in_ascii(cors_app: RunningApp) -> None:
    why = refusal_of(await preflight(cors_app, "https://é\u202e.example" + "x" * 1000))
    assert r"https://\xe9" in why
    assert len(why) < 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/databases", 200),
        ("GET", "/v1/databases/db_x", 404),
        ("POST", "/v1/databases", 400),
        ("GET", "/no", 404),
        ("PUT", "/livez", 405),
    ],
)
async def test_an_allowed_page_may_read_answers_headers_and_problems(
    cors_app: RunningApp, method: str, path: str, status: int
) -> None:
    answer = await cors_app.ask(method, path, headers={"Origin": ALLOWED})
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert set(answer.headers["Access-Control-Expose-Headers"].split(",")) == EXPOSED_HEADERS


async def test_an_allowed_page_may_read_when_to_retry() -> None:
    provider = MemoryProvider(fault_hook=fail_at("before provision", ProviderBusy))
    async with running_app(provider, cors_allow_origins=ALLOWED) as app:
        answer = await app.ask("POST", "/v1/databases", {"nickname": "n"}, {"Origin": ALLOWED})
    assert answer.status == 503
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


async def test_an_allowed_page_reads_streams_and_vary_is_set(cors_app: RunningApp) -> None:
    path = f"/v1/databases/{(await cors_app.create_database())['id']}"
    for what, varies in (("/events", {"Origin"}), ("/connection", {"Accept", "Origin"})):
        async with cors_app.client.get(path + what, headers={"Origin": ALLOWED}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
            assert set(response.headers.getall("Vary")) == varies


@pytest.mark.parametrize(("origins", "warnings"), [("*", ["cors.any_origin"]), (ALLOWED, [])])
async def test_a_star_is_logged_as_a_warning(origins: str, warnings: list[str]) -> None:
    with capture_logs() as logs:
        async with running_app(cors_allow_origins=origins):
            pass
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == warnings


async def test_a_star_allows_any_page_without_credentials() -> None:
    async with running_app(cors_allow_origins="*") as app:
        answers = [
            await preflight(app, FOREIGN),
            await app.ask("GET", "/v1/databases", headers={"Origin": FOREIGN}),
        ]

    for answer in answers:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", FOREIGN}
        assert "Access-Control-Allow-Credentials" not in answer.headers


def _cors_headers(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.lower().startswith("access-control-")}
