"""Pages in a real browser, of an allowed and of a foreign origin."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Page

from tests.support.apps import RunningApp, running_app
from tests.support.browser import empty_site, post_from_page

pytestmark = pytest.mark.browser

CREATE_BODIES = {
    "/v1/databases": json.dumps({"nickname": "From a page"}),
    "/api/create-neon-db": json.dumps({"project": {"name": "From a page"}}),
}


@dataclass(frozen=True)
class Pages:
    """A service that allows the origin `allowed`, and a foreign origin."""

    app: RunningApp
    page: Page
    allowed: str
    foreign: str

    async def ask(self, origin: str, path: str, body: str | None = None, **more: Any) -> Any:
        """Return the part of the answer that a page of the origin can see."""
        await self.page.goto(origin)
        url = f"http://127.0.0.1:{self.app.port}{path}"
        return await post_from_page(
            self.page, url, CREATE_BODIES[path] if body is None else body, **more
        )


@pytest.fixture
async def pages(page: Page) -> AsyncIterator[Pages]:
    async with (
        empty_site() as allowed,
        empty_site() as foreign,
        running_app(cors_allow_origins=allowed) as app,
    ):
        yield Pages(app, page, allowed, foreign)


async def test_an_allowed_page_creates_and_changes_a_database(pages: Pages) -> None:
    answer = await pages.ask(pages.allowed, "/v1/databases", credentials="include")
    assert answer["status"] == 201
    assert answer["headers"]["location"] == f"/v1/databases/{answer['body']['id']}"
    assert answer["headers"]["x-request-id"]
    path, body = answer["headers"]["location"], '{"labels": {"seen": "yes"}}'
    headers = {"Content-Type": "application/json", "If-Match": answer["headers"]["etag"]}

    first = await pages.ask(pages.allowed, path, body, method="PATCH", headers=headers)
    second = await pages.ask(pages.allowed, path, body, method="PATCH", headers=headers)

    assert (first["status"], first["body"]["labels"]) == (200, {"seen": "yes"})
    assert first["headers"]["etag"] != answer["headers"]["etag"]
    assert (second["status"], second["body"]["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize("path", CREATE_BODIES)
async def test_an_allowed_page_may_send_tracing_headers(pages: Pages, path: str) -> None:
    tracing = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "baggage": "k=v", "sentry-trace": "1"}
    answer = await pages.ask(
        pages.allowed, path, headers={"Content-Type": "application/json"} | tracing
    )
    assert answer["status"] in {200, 201}
    assert "From a page" in answer["body"].values()


@pytest.mark.parametrize("path", CREATE_BODIES)
async def test_a_foreign_page_sees_nothing_and_creates_nothing(pages: Pages, path: str) -> None:
    """A browser sends plain text without a preflight."""
    answers = [
        await pages.ask(pages.foreign, path),
        await pages.ask(pages.foreign, path, content_type="text/plain"),
    ]
    opaque = await pages.ask(pages.foreign, path, content_type="text/plain", mode="no-cors")

    assert answers == [{"error": "TypeError"}] * 2
    assert opaque.keys() == {"error"}
    assert (await pages.app.get("/v1/databases"))["databases"] == []


async def test_a_star_allows_any_page_but_without_credentials(page: Page) -> None:
    async with empty_site() as anybody, running_app(cors_allow_origins="*") as app:
        pages = Pages(app, page, anybody, anybody)
        assert (await pages.ask(anybody, "/v1/databases"))["status"] == 201
        answer = await pages.ask(anybody, "/v1/databases", credentials="include")
        assert answer == {"error": "TypeError"}
