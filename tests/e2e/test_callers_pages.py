"""Keys for web pages: bound to the pages' origins, and good for nothing but making."""

from collections.abc import AsyncIterator

import pytest

from tests.support.apps import Answer, problem_in
from tests.support.keyed import LEGACY, ORDERS, PATH
from tests.support.keyholders import Guarded, Keyholder, guarded_app

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
async def test_its_page_gets_a_database(page: Keyholder, path: str) -> None:
    told = await page.ask("POST", path, ORDERS[path], Origin=OURS)
    assert told.status in {200, 201}, told.body
    assert _is_readable(told, OURS)


@paths
@pytest.mark.parametrize(
    "origin", [OTHER, FOREIGN, "null", f"{OURS}:8443", "http://app.example", None]
)
async def test_whatever_is_not_its_page_gets_none(
    guarded: Guarded, page: Keyholder, path: str, origin: str | None
) -> None:
    told = await page.ask("POST", path, ORDERS[path], **({"Origin": origin} if origin else {}))
    problem_in(told, 403, "forbidden")
    assert await guarded.admin.list() == set()
    assert _is_readable(told, OTHER) == (origin == OTHER), "by a page that CORS knows"
    assert ("Access-Control-Allow-Origin" in told.headers) == (origin == OTHER)


@paths
async def test_preflights_need_no_key_and_do_not_count(guarded: Guarded, path: str) -> None:
    """It never shows one when it does."""
    page = await guarded.holder("page", ["create"], origins=[OURS], rate="1/min")
    for _ in range(30):
        async with guarded.app.client.options(path, headers=PREFLIGHT) as told:
            assert told.status == 200
            assert told.headers["Access-Control-Allow-Origin"] == OURS

    assert (await page.ask("POST", path, ORDERS[path], Origin=OURS)).status in {200, 201}


async def test_a_page_can_read_that_it_needs_a_key(guarded: Guarded) -> None:
    told = await guarded.ask("POST", PATH, ORDERS[PATH], {"Origin": OURS})
    problem_in(told, 401, "unauthenticated")
    assert _is_readable(told, OURS)


async def test_a_page_can_read_when_to_come_back(guarded: Guarded) -> None:
    page = await guarded.holder("page", ["create"], origins=[OURS], rate="1/min", quota=0)
    full, early = [await page.ask("POST", PATH, ORDERS[PATH], Origin=OURS) for _ in range(2)]

    assert [full.body["code"], early.body["code"]] == ["quota_reached", "rate_limited"]
    for told in (full, early):
        assert _is_readable(told, OURS)
        exposed = told.headers["Access-Control-Expose-Headers"].split(",")
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


async def test_whoever_makes_such_a_key_is_told_what_it_cannot(guarded: Guarded) -> None:
    asked = {"scopes": ["create", "read"], "origins": [f"{OURS}/", "https://Unknown.example"]}

    made = await guarded.admin.ask("POST", "/v1/keys", asked)

    assert made.body["scopes"] == ["create"]
    assert made.body["origins"] == [OURS, "https://unknown.example"]
    left_out, closed = made.body["notices"]
    assert "removed: read" in left_out
    assert "https://unknown.example" in closed
    assert OURS not in closed
    assert "CORS_ALLOW_ORIGINS" in closed


async def test_where_every_page_may_ask_none_is_shut_out() -> None:
    async with guarded_app(cors_allow_origins="*") as guarded:
        asked = {"scopes": ["create"], "origins": [OURS]}
        assert (await guarded.admin.ask("POST", "/v1/keys", asked)).body["notices"] == []


async def test_a_page_may_use_a_key_that_is_not_bound_to_pages(guarded: Guarded) -> None:
    """A person at a console page types it in."""
    assert (await guarded.admin.ask("GET", PATH, Origin=OTHER)).status == 200


def _is_readable(told: Answer, origin: str) -> bool:
    return told.headers.get("Access-Control-Allow-Origin") == origin
