"""Which web pages may ask, and may read the answers."""

from collections.abc import AsyncIterator, Iterable, Mapping

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app
from tests.support.trouble import failing

OURS = "https://app.example"
FOREIGN = "https://evil.example"
PATHS = ("/v1/databases", "/api/create-neon-db")

SENT = "authorization, content-type, idempotency-key, if-match, last-event-id, prefer, x-request-id"

EXPOSED = {
    "ETag",
    "Location",
    "Pgvend-Verified",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
}


@pytest.fixture
async def allowing() -> AsyncIterator[RunningApp]:
    async with running_app(cors_allow_origins=f"{OURS}, http://localhost:5173") as app:
        yield app


async def asked_beforehand(
    app: RunningApp, path: str, origin: str, method: str = "POST", headers: str = "content-type"
) -> tuple[int, Mapping[str, str]]:
    sent = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    async with app.client.options(path, headers=sent) as response:
        return response.status, response.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [OURS, "http://localhost:5173"])
async def test_a_page_on_the_list_may_ask(allowing: RunningApp, path: str, origin: str) -> None:
    status, headers = await asked_beforehand(allowing, path, origin)

    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Allow-Methods"] == "POST"
    assert headers["Access-Control-Allow-Headers"].lower() == "content-type"
    assert int(headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", "http://app.example", f"{OURS}:8443", f"{OURS}.evil.example", f"{OURS}/"],
)
async def test_any_other_page_may_neither_ask_nor_read(
    allowing: RunningApp, path: str, origin: str
) -> None:
    status, headers = await asked_beforehand(allowing, path, origin)

    assert status == 403
    assert _cors_headers(headers) == set()
    for read in ("/v1/databases", "/no"):
        answer = await allowing.ask("GET", read, headers={"Origin": origin})
        assert _cors_headers(answer.headers) == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/databases"),
        ("PATCH", "/v1/databases/db_x"),
        ("DELETE", "/v1/databases/db_x"),
        ("GET", "/v1/databases/db_x/events"),
        ("GET", "/v1/databases/db_x/connection"),
        ("POST", "/v1/databases/db_x/rotate"),
        ("POST", "/v1/databases/db_x/restore"),
    ],
)
async def test_a_page_may_do_and_send_what_the_api_takes(
    allowing: RunningApp, method: str, path: str
) -> None:
    status, headers = await asked_beforehand(allowing, path, OURS, method, SENT)

    assert (status, headers["Access-Control-Allow-Methods"]) == (200, method)


async def test_a_page_may_not_send_other_headers_or_methods(allowing: RunningApp) -> None:
    for method, headers in (("POST", "x-other"), ("PUT", "content-type")):
        status, _ = await asked_beforehand(allowing, "/v1/databases", OURS, method, headers)
        assert status == 403


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
async def test_a_page_on_the_list_may_read_answers_and_their_headers_and_problems_too(
    allowing: RunningApp, method: str, path: str, status: int
) -> None:
    answer = await allowing.ask(method, path, headers={"Origin": OURS})

    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert set(answer.headers["Access-Control-Expose-Headers"].split(",")) == EXPOSED


async def test_a_page_may_read_that_the_provider_is_away_and_when_to_return() -> None:
    provider = MemoryProvider(trouble=failing("before provision", ProviderBusy))
    async with running_app(provider, cors_allow_origins=OURS) as app:
        answer = await app.ask("POST", "/v1/databases", {"nickname": "n"}, {"Origin": OURS})

    assert answer.status == 503
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


async def test_a_page_on_the_list_may_read_a_stream_and_caches_are_told_for_whom(
    allowing: RunningApp,
) -> None:
    path = f"/v1/databases/{(await allowing.vend())['id']}"
    for what, varies in (("/events", {"Origin"}), ("/connection", {"Accept", "Origin"})):
        async with allowing.client.get(path + what, headers={"Origin": OURS}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == OURS
            assert set(response.headers.getall("Vary")) == varies
            assert response.headers["X-Request-ID"]


async def test_any_page_may_ask_under_a_star_but_without_credentials() -> None:
    with capture_logs() as logged:
        async with running_app(cors_allow_origins="*") as app:
            status, preflight = await asked_beforehand(app, "/v1/databases", FOREIGN)
            answer = await app.ask("GET", "/v1/databases", headers={"Origin": FOREIGN})

    assert (status, answer.status) == (200, 200)
    for headers in (preflight, answer.headers):
        assert headers["Access-Control-Allow-Origin"] in {"*", FOREIGN}
        assert "Access-Control-Allow-Credentials" not in headers
    assert _warnings(logged) == ["cors.any_origin"]


async def test_a_list_of_origins_is_no_reason_to_warn() -> None:
    with capture_logs() as logged:
        async with running_app(cors_allow_origins=OURS):
            pass

    assert _warnings(logged) == []


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_list_no_page_is_let_in(app: RunningApp, path: str) -> None:
    status, preflight = await asked_beforehand(app, path, OURS)
    answer = await app.ask("GET", "/v1/databases", headers={"Origin": OURS})

    assert status == 403
    assert _cors_headers([*preflight, *answer.headers]) == set()


def _warnings(logged: Iterable[Mapping[str, object]]) -> list[object]:
    return [event["event"] for event in logged if event["log_level"] == "warning"]


def _cors_headers(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.lower().startswith("access-control-")}
