"""Which web pages may ask, and may read the answers."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderBusy
from tests.support.apps import RunningApp, running_app
from tests.support.trouble import failing

OURS = "https://app.example"
FOREIGN = "https://evil.example"
PATHS = ("/v1/databases", "/api/create-neon-db")


@pytest.fixture
async def allowing() -> AsyncIterator[RunningApp]:
    async with running_app(cors_allow_origins=f"{OURS}, http://localhost:5173") as app:
        yield app


def _preflight(origin: str, method: str = "POST", headers: str = "content-type") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [OURS, "http://localhost:5173"])
async def test_a_page_on_the_list_may_ask(allowing: RunningApp, path: str, origin: str) -> None:
    async with allowing.client.options(path, headers=_preflight(origin)) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        assert response.headers["Access-Control-Allow-Headers"].lower() == "content-type"
        assert int(response.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", "http://app.example", f"{OURS}:8443", f"{OURS}.evil.example", f"{OURS}/"],
)
async def test_any_other_page_may_not(allowing: RunningApp, path: str, origin: str) -> None:
    async with allowing.client.options(path, headers=_preflight(origin)) as response:
        assert response.status == 403
        assert _cors_headers(response.headers.keys()) == set()


SENT = "authorization, content-type, idempotency-key, if-match, last-event-id, prefer, x-request-id"


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
    asked = _preflight(OURS, method, SENT)

    async with allowing.client.options(path, headers=asked) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Methods"] == method


async def test_a_page_may_not_send_other_headers_or_methods(allowing: RunningApp) -> None:
    for asked in (_preflight(OURS, headers="x-other"), _preflight(OURS, "PUT")):
        async with allowing.client.options("/v1/databases", headers=asked) as response:
            assert response.status == 403


async def test_a_page_on_the_list_may_read_the_answer_and_its_headers(
    allowing: RunningApp,
) -> None:
    async with allowing.client.post(
        "/v1/databases", json={"nickname": "n"}, headers={"Origin": OURS}
    ) as response:
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        exposed = set(response.headers["Access-Control-Expose-Headers"].split(","))
        assert exposed == {
            "ETag",
            "Location",
            "Preference-Applied",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-ID",
        }


async def test_a_page_on_the_list_may_read_a_stream_and_its_headers(allowing: RunningApp) -> None:
    path = f"/v1/databases/{(await allowing.vend())['id']}/events"

    async with allowing.client.get(path, headers={"Origin": OURS}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert response.headers["Vary"] == "Origin"
        assert response.headers["X-Request-ID"]


async def test_caches_are_told_all_that_a_connection_depends_on(allowing: RunningApp) -> None:
    path = f"/v1/databases/{(await allowing.vend())['id']}/connection"

    async with allowing.client.get(path, headers={"Origin": OURS}) as response:
        assert set(response.headers.getall("Vary")) == {"Accept", "Origin"}


async def test_a_foreign_page_may_not_read_the_answer(allowing: RunningApp) -> None:
    async with allowing.client.get("/v1/databases", headers={"Origin": FOREIGN}) as response:
        assert _cors_headers(response.headers.keys()) == set()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/databases/db_x", 404), ("POST", "/v1/databases", 400)],
)
async def test_a_page_may_read_the_problem_too(
    allowing: RunningApp, method: str, path: str, status: int
) -> None:
    async with allowing.client.request(method, path, headers={"Origin": OURS}) as response:
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == OURS


async def test_a_page_may_read_that_the_provider_is_away_and_when_to_return() -> None:
    provider = MemoryProvider(trouble=failing("before provision", ProviderBusy))
    async with (
        running_app(provider, cors_allow_origins=OURS) as app,
        app.client.post(
            "/v1/databases", json={"nickname": "n"}, headers={"Origin": OURS}
        ) as response,
    ):
        assert response.status == 503
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


async def test_any_page_may_ask_under_a_star_but_without_credentials() -> None:
    with capture_logs() as logged:
        async with (
            running_app(cors_allow_origins="*") as app,
            app.client.options("/v1/databases", headers=_preflight(FOREIGN)) as preflight,
            app.client.get("/v1/databases", headers={"Origin": FOREIGN}) as response,
        ):
            for answer in (preflight, response):
                assert answer.status == 200
                assert answer.headers["Access-Control-Allow-Origin"] in {"*", FOREIGN}
                assert "Access-Control-Allow-Credentials" not in answer.headers

    warnings = [event for event in logged if event["log_level"] == "warning"]
    assert [event["event"] for event in warnings] == ["cors.any_origin"]


async def test_a_list_of_origins_is_no_reason_to_warn() -> None:
    with capture_logs() as logged:
        async with running_app(cors_allow_origins=OURS):
            pass

    assert [event for event in logged if event["log_level"] == "warning"] == []


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_list_no_page_is_let_in(app: RunningApp, path: str) -> None:
    async with (
        app.client.options(path, headers=_preflight(OURS)) as preflight,
        app.client.get("/v1/databases", headers={"Origin": OURS}) as response,
    ):
        assert preflight.status == 403
        assert _cors_headers([*preflight.headers, *response.headers]) == set()


def _cors_headers(names: object) -> set[str]:
    assert hasattr(names, "__iter__")
    return {name for name in names if name.lower().startswith("access-control-")}


async def test_caches_are_told_that_an_answer_is_for_one_origin(allowing: RunningApp) -> None:
    async with allowing.client.get("/livez", headers={"Origin": OURS}) as response:
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/no", 404), ("PUT", "/livez", 405)]
)
async def test_a_page_on_the_list_can_read_errors_where_there_is_no_route(
    allowing: RunningApp, method: str, path: str, status: int
) -> None:
    async with allowing.client.request(method, path, headers={"Origin": OURS}) as response:
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]


async def test_any_other_page_cannot_read_them(allowing: RunningApp) -> None:
    async with allowing.client.get("/no", headers={"Origin": FOREIGN}) as response:
        assert _cors_headers(response.headers.keys()) == set()
