"""The documentation page in a real browser, and its protection against foreign scripts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import ConsoleMessage, Locator, Page, expect

from tests.support.apps import RunningApp, running_app

pytestmark = pytest.mark.browser

KEY = "a-static-key-of-the-tests"


@dataclass
class Docs:
    """The page, and the errors of the browser's console."""

    page: Page
    console_errors: list[str] = field(default_factory=list)

    def record(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.console_errors.append(message.text)

    async def open(self, app: RunningApp) -> None:
        await self.page.goto(f"http://127.0.0.1:{app.port}/docs")

    async def unfold(self, operation: str) -> Locator:
        call = self.page.locator(f"#{operation}")
        await call.locator("summary").click()
        return call

    async def answer(self, call: Locator, status: int) -> Locator:
        """Send the form and return the answer that the page shows."""
        await call.get_by_role("button", name="Send").click()
        answer = call.locator(".answer")
        await expect(answer).to_contain_text(f"{status} ")
        return answer


@pytest.fixture
async def docs(page: Page) -> AsyncIterator[Docs]:
    docs = Docs(page)
    await page.goto("about:blank")  # otherwise errors of the previous page are recorded
    page.on("console", docs.record)
    yield docs
    page.remove_listener("console", docs.record)


async def test_a_database_is_created_and_listed_on_the_page(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    create = await docs.unfold("createDatabase")
    await create.locator("textarea").fill('{"nickname": "From the page"}')
    await docs.answer(create, 201)

    listing = await docs.unfold("listDatabases")
    await listing.get_by_label("state (query)").select_option(["ready", "expired"])
    answer = await docs.answer(listing, 200)

    await expect(answer).to_contain_text('"nickname": "From the page"')
    assert [database["nickname"] for database in await app.list_live()] == ["From the page"]
    assert docs.console_errors == []


async def test_events_are_shown_on_the_page(docs: Docs, app: RunningApp) -> None:
    database = await app.create_database()
    await docs.open(app)
    watch = await docs.unfold("watchDatabase")
    await watch.get_by_label("id (path)").fill(database["id"])
    answer = await docs.answer(watch, 200)
    await expect(answer).to_contain_text("event: settled")


async def test_every_operation_of_the_document_is_on_the_page(docs: Docs, app: RunningApp) -> None:
    document = await app.get("/openapi.json")
    calls = sum(len(methods) for methods in document["paths"].values())
    await docs.open(app)
    await expect(docs.page.locator("#calls > details")).to_have_count(calls)


async def test_the_page_sends_the_key(docs: Docs) -> None:
    async with running_app(api_keys=KEY) as app:
        await docs.open(app)
        call = await docs.unfold("createDatabase")
        await docs.answer(call, 401)
        await docs.page.locator("#key").fill(KEY)
        await docs.answer(call, 201)

        assert KEY not in await docs.page.locator("body").inner_text()


async def test_user_input_is_shown_as_text(docs: Docs, app: RunningApp) -> None:
    await app.create_database("<img src=x onerror=alert(1)>")
    await docs.open(app)
    answer = await docs.answer(await docs.unfold("listDatabases"), 200)
    await expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    assert await docs.page.locator("img").count() == 0


async def test_the_policy_blocks_scripts_of_other_origins(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    script = "document.body.append(Object.assign(document.createElement('script'), {src}))"
    await docs.page.evaluate(f"(src) => {{ {script} }}", "http://127.0.0.1:1/evil.js")
    await docs.page.evaluate("setTimeout(() => {}, 0)")
    assert any("Content Security Policy" in complaint for complaint in docs.console_errors)
