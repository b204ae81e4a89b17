"""The documentation page in a real browser, and its protection against foreign scripts."""

import re
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.async_api import ConsoleMessage, Locator, Page, expect

from tests.support.apps import RunningApp, running_app
from tests.support.console import Console

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

    async def open(self, app: RunningApp, entry: str = "") -> None:
        await self.page.goto(f"http://127.0.0.1:{app.port}/docs{entry}")

    async def unfold(self, operation: str) -> Locator:
        call = self.page.locator(f"#{operation}")
        await call.locator("summary").first.click()
        return call

    async def answer(self, call: Locator, status: int) -> Locator:
        """Send the form and return the answer that the page shows."""
        await call.get_by_role("button", name="Send").click()
        answer = call.locator(".answer")
        await expect(answer).to_contain_text(f"{status} ")
        return answer


@pytest.fixture
async def docs(page: Page) -> Docs:
    docs = Docs(page)
    page.on("console", docs.record)
    return docs


async def test_a_database_is_created_and_listed_on_the_page(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    create = await docs.unfold("createDatabase")
    await create.locator("textarea").fill('{"nickname": "From the page"}')
    await docs.answer(create, 201)

    listing = await docs.unfold("listDatabases")
    await listing.get_by_label("state query").select_option(["ready", "expired"])
    answer = await docs.answer(listing, 200)

    await expect(answer).to_contain_text('"nickname": "From the page"')
    assert [database["nickname"] for database in await app.list_live()] == ["From the page"]
    assert docs.console_errors == []


async def test_events_are_shown_on_the_page(docs: Docs, app: RunningApp) -> None:
    database = await app.create_database()
    await docs.open(app)
    watch = await docs.unfold("watchDatabase")
    await watch.get_by_label("id path").fill(database["id"])
    answer = await docs.answer(watch, 200)
    await expect(answer).to_contain_text("event: settled")


async def test_every_operation_of_the_document_is_on_the_page(docs: Docs, app: RunningApp) -> None:
    document = await app.get("/openapi.json")
    calls = sum(len(methods) for methods in document["paths"].values())
    await docs.open(app)
    await expect(docs.page.locator("#calls details.call")).to_have_count(calls)


async def test_a_link_to_a_call_opens_it(docs: Docs, app: RunningApp) -> None:
    await docs.open(app, "#rotatePassword")
    await expect(docs.page.locator("#rotatePassword form")).to_be_in_viewport()
    await docs.page.locator('nav a[href="#createDatabase"]').click()
    await expect(docs.page.locator("#createDatabase form")).to_be_in_viewport()


async def test_the_address_names_the_call_that_was_opened(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    await docs.unfold("listKeys")
    await expect(docs.page).to_have_url(re.compile("/docs#listKeys$"))


async def test_code_in_texts_is_shown_as_code(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    for entry in await docs.page.locator("main details[id]").all():
        await entry.evaluate("entry => { entry.open = true; }")
    await expect(docs.page.locator("details.call:not(:has(form))")).to_have_count(0)
    assert "`" not in (await docs.page.locator("body").text_content() or "")
    await expect(docs.page.locator("#createDatabase p code").first).to_have_text("template")


async def test_a_call_has_its_form_first_and_its_errors_folded(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    call = await docs.unfold("createDatabase")
    order = await call.evaluate("call => [...call.children].map(each => each.localName)")
    assert order.index("form") < order.index("table") < order.index("details")
    await expect(call.get_by_text("quota_reached")).to_be_hidden()
    await call.get_by_text("Errors", exact=True).click()
    await expect(call.get_by_text("quota_reached")).to_be_visible()


async def test_calls_are_found_by_their_words(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    await docs.page.get_by_label("Find a call").fill("rotate password")
    await expect(docs.page.locator("details.call:visible")).to_have_count(1)
    await expect(docs.page.locator("nav li:visible")).to_have_text(
        ["POSTRotate the password of a database"]
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_is_accessible(
    docs: Docs, app: RunningApp, scheme: Literal["light", "dark"]
) -> None:
    await docs.page.emulate_media(color_scheme=scheme)
    await docs.open(app, "#createDatabase")
    await docs.answer(docs.page.locator("#createDatabase"), 201)
    assert await Console(docs.page).find_violations() == []


async def test_the_page_fits_a_phone(docs: Docs, app: RunningApp) -> None:
    await docs.page.set_viewport_size({"width": 360, "height": 740})
    await docs.open(app, "#createDatabase")
    await docs.answer(docs.page.locator("#createDatabase"), 201)
    width = await docs.page.evaluate("document.documentElement.scrollWidth")
    assert width == 360


async def test_an_answer_without_an_end_can_be_stopped(docs: Docs, app: RunningApp) -> None:
    database = await app.create_database()
    await docs.open(app)
    await docs.page.route("**/events", lambda route: None)  # which never answers
    watch = await docs.unfold("watchDatabase")
    await watch.get_by_label("id path").fill(database["id"])
    await watch.get_by_role("button", name="Send").click()
    await watch.get_by_role("button", name="Stop").click()
    await expect(watch.locator(".answer")).to_contain_text("(stopped)")
    await expect(watch.get_by_role("button", name="Stop")).to_be_hidden()


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
    assert await docs.page.locator("main img").count() == 0


async def test_the_policy_blocks_scripts_of_other_origins(docs: Docs, app: RunningApp) -> None:
    await docs.open(app)
    script = "document.body.append(Object.assign(document.createElement('script'), {src}))"
    await docs.page.evaluate(f"(src) => {{ {script} }}", "http://127.0.0.1:1/evil.js")
    await docs.page.evaluate("setTimeout(() => {}, 0)")
    assert any("Content Security Policy" in complaint for complaint in docs.console_errors)
