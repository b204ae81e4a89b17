"""Keys for web pages: bound to origins, and limited to the scope create."""

from collections.abc import AsyncIterator

import pytest

from tests.support.apps import Answer, check_problem
from tests.support.idempotent_requests import LEGACY, PATH, REQUEST_BODIES
from tests.support.keyed_clients import KeyedApp, KeyedClient, running_keyed_app

ALLOWED, OTHER_ALLOWED, FOREIGN = (
    "https://app.example",
    "https://other.example",
    "https://evil.example",
)

PREFLIGHT = {
    "Origin": ALLOWED,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}

paths = pytest.mark.parametrize("path", [PATH, LEGACY])


@pytest.fixture
async def guarded() -> AsyncIterator[KeyedApp]:
    async with running_keyed_app(cors_allow_origins=f"{ALLOWED},{OTHER_ALLOWED}") as guarded:
        yield guarded


@pytest.fixture
async def page(guarded: KeyedApp) -> KeyedClient:
    return await guarded.create_client("page", ["create"], origins=[ALLOWED])


@paths
async def test_a_page_of_the_origin_may_create(page: KeyedClient, path: str) -> None:
    answer = await page.ask("POST", path, REQUEST_BODIES[path], Origin=ALLOWED)
    assert answer.status in {200, 201}, answer.body
    assert _is_readable(answer, ALLOWED)


@paths
@pytest.mark.parametrize(
    "origin", [OTHER_ALLOWED, FOREIGN, "null", f"{ALLOWED}:8443", "http://app.example", None]
)
async def test_other_origins_are_refused(
    guarded: KeyedApp, page: KeyedClient, path: str, origin: str | None
) -> None:
    answer = await page.ask(
        "POST", path, REQUEST_BODIES[path], **({"Origin": origin} if origin else {})
    )
    check_problem(answer, 403, "forbidden")
    assert await guarded.admin.list_databases() == set()
    assert _is_readable(answer, OTHER_ALLOWED) == (origin == OTHER_ALLOWED), (
        "readable by an origin that CORS allows"
    )
    assert ("Access-Control-Allow-Origin" in answer.headers) == (origin == OTHER_ALLOWED)


@paths
async def test_preflights_need_no_key_and_do_not_count(guarded: KeyedApp, path: str) -> None:
    """Browsers never send keys with preflights."""
    page = await guarded.create_client("page", ["create"], origins=[ALLOWED], rate="1/min")
    for _ in range(30):
        async with guarded.app.client.options(path, headers=PREFLIGHT) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED

    assert (await page.ask("POST", path, REQUEST_BODIES[path], Origin=ALLOWED)).status in {200, 201}


async def test_a_page_can_read_that_a_key_is_missing(guarded: KeyedApp) -> None:
    answer = await guarded.ask("POST", PATH, REQUEST_BODIES[PATH], {"Origin": ALLOWED})
    check_problem(answer, 401, "unauthenticated")
    assert _is_readable(answer, ALLOWED)


async def test_a_page_can_read_when_to_retry(guarded: KeyedApp) -> None:
    page = await guarded.create_client("page", ["create"], origins=[ALLOWED], rate="1/min", quota=0)
    full, early = [
        await page.ask("POST", PATH, REQUEST_BODIES[PATH], Origin=ALLOWED) for _ in range(2)
    ]

    assert [full.body["code"], early.body["code"]] == ["quota_reached", "rate_limited"]
    for answer in (full, early):
        assert _is_readable(answer, ALLOWED)
        exposed = answer.headers["Access-Control-Expose-Headers"].split(",")
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


async def test_the_answer_lists_the_limits_of_a_new_key(guarded: KeyedApp) -> None:
    body = {"scopes": ["create", "read"], "origins": [f"{ALLOWED}/", "https://Unknown.example"]}

    answer = await guarded.admin.ask("POST", "/v1/keys", body)

    assert answer.body["scopes"] == ["create"]
    assert answer.body["origins"] == [ALLOWED, "https://unknown.example"]
    scope_notice, origin_notice = answer.body["notices"]
    assert "removed: read" in scope_notice
    assert "https://unknown.example" in origin_notice
    assert ALLOWED not in origin_notice
    assert "CORS_ALLOW_ORIGINS" in origin_notice


async def test_there_are_no_notices_if_cors_allows_all_origins() -> None:
    async with running_keyed_app(cors_allow_origins="*") as guarded:
        body = {"scopes": ["create"], "origins": [ALLOWED]}
        assert (await guarded.admin.ask("POST", "/v1/keys", body)).body["notices"] == []


async def test_a_page_may_use_a_key_without_origins(guarded: KeyedApp) -> None:
    """A person may type a key into a console page."""
    assert (await guarded.admin.ask("GET", PATH, Origin=OTHER_ALLOWED)).status == 200


def _is_readable(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") == origin
