"""Keys for web pages: bound to origins, and limited to the scope create."""

from collections.abc import AsyncIterator

import pytest

from tests.support.apps import Answer, problem_in
from tests.support.idempotent_requests import LEGACY, ORDERS, PATH
from tests.support.keyed_clients import Guarded, Keyholder, guarded_app

OURS, OTHER, FOREIGN = "https://app.example", "https://other.example", "https://evil.example"

PREFLIGHT = {
    "Origin": OURS,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}

paths = pytest.mark.parametrize("path", [PATH, LEGACY])


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    async with guarded_app(cors_allow_origins=f"{OURS},{OTHER}") as guarded:
        yield guarded


@pytest.fixture
async def page(guarded: Guarded) -> Keyholder:
    return await guarded.holder("page", ["create"], origins=[OURS])


@paths
async def test_a_page_of_the_origin_may_create(page: Keyholder, path: str) -> None:
    answer = await page.ask("POST", path, ORDERS[path], Origin=OURS)
    assert answer.status in {200, 201}, answer.body
    assert _is_readable(answer, OURS)


@paths
@pytest.mark.parametrize(
    "origin", [OTHER, FOREIGN, "null", f"{OURS}:8443", "http://app.example", None]
)
async def test_other_origins_are_refused(
    guarded: Guarded, page: Keyholder, path: str, origin: str | None
) -> None:
    answer = await page.ask("POST", path, ORDERS[path], **({"Origin": origin} if origin else {}))
    problem_in(answer, 403, "forbidden")
    assert await guarded.admin.list() == set()
    assert _is_readable(answer, OTHER) == (origin == OTHER), (
        "readable by an origin that CORS allows"
    )
    assert ("Access-Control-Allow-Origin" in answer.headers) == (origin == OTHER)


@paths
async def test_preflights_need_no_key_and_do_not_count(guarded: Guarded, path: str) -> None:
    """Browsers never send keys with preflights."""
    page = await guarded.holder("page", ["create"], origins=[OURS], rate="1/min")
    for _ in range(30):
        async with guarded.app.client.options(path, headers=PREFLIGHT) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == OURS

    assert (await page.ask("POST", path, ORDERS[path], Origin=OURS)).status in {200, 201}


async def test_a_page_can_read_that_a_key_is_missing(guarded: Guarded) -> None:
    answer = await guarded.ask("POST", PATH, ORDERS[PATH], {"Origin": OURS})
    problem_in(answer, 401, "unauthenticated")
    assert _is_readable(answer, OURS)


async def test_a_page_can_read_when_to_retry(guarded: Guarded) -> None:
    page = await guarded.holder("page", ["create"], origins=[OURS], rate="1/min", quota=0)
    full, early = [await page.ask("POST", PATH, ORDERS[PATH], Origin=OURS) for _ in range(2)]

    assert [full.body["code"], early.body["code"]] == ["quota_reached", "rate_limited"]
    for answer in (full, early):
        assert _is_readable(answer, OURS)
        exposed = answer.headers["Access-Control-Expose-Headers"].split(",")
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


async def test_the_answer_lists_the_limits_of_a_new_key(guarded: Guarded) -> None:
    asked = {"scopes": ["create", "read"], "origins": [f"{OURS}/", "https://Unknown.example"]}

    made = await guarded.admin.ask("POST", "/v1/keys", asked)

    assert made.body["scopes"] == ["create"]
    assert made.body["origins"] == [OURS, "https://unknown.example"]
    left_out, closed = made.body["notices"]
    assert "removed: read" in left_out
    assert "https://unknown.example" in closed
    assert OURS not in closed
    assert "CORS_ALLOW_ORIGINS" in closed


async def test_there_are_no_notices_if_cors_allows_all_origins() -> None:
    async with guarded_app(cors_allow_origins="*") as guarded:
        asked = {"scopes": ["create"], "origins": [OURS]}
        assert (await guarded.admin.ask("POST", "/v1/keys", asked)).body["notices"] == []


async def test_a_page_may_use_a_key_without_origins(guarded: Guarded) -> None:
    """A person may type a key into a console page."""
    assert (await guarded.admin.ask("GET", PATH, Origin=OTHER)).status == 200


def _is_readable(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") == origin
