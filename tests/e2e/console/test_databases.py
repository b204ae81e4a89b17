"""The console's view of databases in a real browser: create, list, filter, page."""

import re

import pytest
from playwright.async_api import Route, expect

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderRejected
from tests.support.apps import RunningApp, reserved_port, running_app
from tests.support.console import Console
from tests.support.provider_faults import Gate, fail_at
from tests.support.standing_clock import StandingClock

pytestmark = pytest.mark.browser


async def test_the_first_database_is_created_from_the_empty_page(
    console: Console, app: RunningApp
) -> None:
    await console.open(app)
    await expect(console.page.get_by_text("No databases yet")).to_be_visible()
    await console.page.get_by_role("button", name="Create the first database").click()
    await expect(console.page.get_by_label("Name", exact=True)).to_be_focused()
    await console.create("Web Shop")

    await expect(console.row("Web Shop")).to_contain_text("ready")
    await expect(console.row("Web Shop")).to_contain_text(re.compile("in 2[34] h"))
    [database] = await app.list_live()
    assert (database["nickname"], database["labels"]) == ("Web Shop", {})


async def test_the_curl_line_of_the_empty_page_is_complete(
    console: Console, app: RunningApp
) -> None:
    await console.open(app)
    line = await console.page.get_by_label("curl").inner_text()
    address = f"http://127.0.0.1:{app.port}/v1/databases"
    assert line == f"""curl {address} --json '{{"nickname": "webshop"}}'"""


async def test_the_form_sends_labels_a_lifetime_and_a_template(
    console: Console, app: RunningApp
) -> None:
    source = await app.create_database("Source")
    template = await app.ask("POST", "/v1/templates", {"name": "shop", "from": source["id"]})
    await console.open(app)
    page = console.page
    await page.get_by_label("Expires in").select_option("7d")
    await page.get_by_role("button", name="labels").click()
    await page.get_by_label("Labels", exact=True).fill("team=web class=sql101")
    await page.get_by_role("button", name="template").click()
    await page.get_by_label("Template", exact=True).select_option("shop")
    await console.create("Copy")

    copy = next(each for each in await app.list_live() if each["nickname"] == "Copy")
    assert (copy["labels"], copy["source"]) == (
        {"team": "web", "class": "sql101"},
        template.body["id"],
    )
    await expect(console.row("Copy")).to_contain_text(re.compile("in [67] d"))


async def test_mistakes_in_the_form_are_explained_and_nothing_is_created(
    console: Console, app: RunningApp
) -> None:
    await console.open(app)
    page = console.page
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Give the database a name")
    await page.get_by_label("Name", exact=True).fill("!!")
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("needs a letter or a digit")
    await expect(page.get_by_role("alert")).to_contain_text("Request id")
    assert await app.is_empty()


async def test_one_database_is_created_however_often_the_button_is_clicked(
    console: Console,
) -> None:
    gate = Gate("during provision")
    async with running_app(MemoryProvider(fault_hook=gate), clock=StandingClock()) as app:
        await console.open(app)
        await console.page.get_by_label("Name", exact=True).fill("Once")
        button = console.page.get_by_role("button", name="Create", exact=True)
        await button.dblclick()
        await expect(console.page.locator(".card")).to_contain_text("Create role and database")
        gate.open()
        await expect(console.page.locator(".card.is-ready")).to_have_count(1)
        assert len(await app.list_live()) == 1


async def test_a_lost_answer_does_not_create_a_second_database(
    console: Console, app: RunningApp
) -> None:
    await console.open(app)
    lost: list[object] = []

    async def lose_once(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(await route.fetch())
            await route.abort()
        else:
            await route.continue_()

    await console.page.route("**/v1/databases", lose_once)
    await console.page.get_by_label("Name", exact=True).fill("Lost")
    button = console.page.get_by_role("button", name="Create", exact=True)
    await button.click()
    await expect(console.page.get_by_role("alert")).to_contain_text("does not answer")
    await button.click()
    await expect(console.page.locator(".card.is-ready")).to_be_visible()
    assert len(await app.list_live()) == 1


async def test_a_failure_is_shown_and_can_be_repeated(console: Console) -> None:
    fault = fail_at("before provision", lambda: ProviderRejected("The disk is full."), times=1)
    async with running_app(MemoryProvider(fault_hook=fault), clock=StandingClock()) as app:
        await console.open(app)
        await console.page.get_by_label("Name", exact=True).fill("Unlucky")
        await console.page.get_by_role("button", name="Create", exact=True).click()
        card = console.page.locator(".card.is-failed")
        await expect(card).to_contain_text("The disk is full.")
        await expect(console.row("Unlucky")).to_contain_text("failed")
        await card.get_by_role("button", name="Try again").click()
        await expect(console.page.locator(".card.is-ready")).to_be_visible()
        assert [each["state"] for each in await app.list_live()] == ["ready"]


async def test_changes_of_others_are_pushed(console: Console, app: RunningApp) -> None:
    await console.open(app)
    await expect(console.page.get_by_role("img", name="Live")).to_be_visible()
    database = await app.create_database("From elsewhere")
    await expect(console.row("From elsewhere")).to_contain_text("ready")
    await app.ask("DELETE", f"/v1/databases/{database['id']}")
    await expect(console.row("From elsewhere")).to_have_count(0)

    await console.page.get_by_label("Show deleted").check()
    await expect(console.row("From elsewhere")).to_contain_text("deleted")


async def test_the_list_is_filtered_by_name_and_by_label(console: Console, app: RunningApp) -> None:
    await app.create_database("Alpha", labels={"team": "web"})
    await app.create_database("Beta", labels={"team": "website"})
    await app.create_database("Gamma")
    await console.open(app)
    search = console.page.get_by_role("searchbox")
    await search.fill("ALP")
    await expect(console.row("Beta")).to_have_count(0)
    await expect(console.row("Alpha")).to_be_visible()
    await search.fill("nothing")
    await expect(console.page.get_by_text("No database matches")).to_be_visible()
    await search.fill("")
    await console.row("Alpha").get_by_role("button", name="team=web").click()
    await expect(search).to_have_value("team=web")
    await expect(console.page.get_by_text("1 of 3 databases")).to_be_visible()
    await expect(console.row("Alpha")).to_be_visible()


async def test_the_list_shows_sizes(console: Console, app: RunningApp) -> None:
    database = await app.create_database("Big")
    app.provider.set_size(database["id"], 12 * 1024 * 1024)
    await console.open(app)
    await expect(console.row("Big")).to_contain_text("12 MB")
    await app.ask("PATCH", f"/v1/databases/{database['id']}", {"labels": {"team": "web"}})
    await expect(console.row("Big")).to_contain_text("team=web")
    await expect(console.row("Big")).to_contain_text("12 MB")


async def test_a_long_list_has_pages(console: Console, app: RunningApp) -> None:
    for number in range(51):
        app.clock.passed += 1
        await app.create_database(f"n{number}")
    await console.open(app)
    await expect(console.row("n50")).to_be_visible()
    await expect(console.row("n0")).to_have_count(0)
    await console.page.get_by_role("button", name="Older").click()
    await expect(console.row("n0")).to_be_visible()
    await expect(console.row("n50")).to_have_count(0)


async def test_foreign_names_are_text_whose_invisible_characters_are_shown(
    console: Console, app: RunningApp
) -> None:
    await app.create_database("<img src=x onerror=alert(1)> \u202eexe.txt")
    await console.open(app)
    link = console.page.get_by_role("table", name="Databases").get_by_role("link")
    await expect(link).to_have_text("<img src=x onerror=alert(1)> U+202Eexe.txt")
    assert await console.page.locator("main img").count() == 0


async def test_the_page_goes_on_after_the_service_was_started_again(console: Console) -> None:
    with reserved_port() as port:
        async with running_app(port=port, clock=StandingClock()) as app:
            await console.open(app)
            await console.create("Before")
        await expect(console.page.locator("#banner")).to_contain_text("does not answer")
        async with app.replica(port=port) as app:
            database = await app.create_database("After")
            await expect(console.row("After")).to_contain_text("ready")
            await expect(console.page.locator("#banner")).to_be_hidden()
            await app.ask("DELETE", f"/v1/databases/{database['id']}")
            await expect(console.row("After")).to_have_count(0)


async def test_a_busy_provider_leaves_the_true_steps_on_the_page(console: Console) -> None:
    gate = Gate("during provision")
    async with running_app(MemoryProvider(fault_hook=gate), clock=StandingClock()) as app:
        await console.open(app)
        await console.page.get_by_label("Name", exact=True).fill("Slow")
        await console.page.get_by_role("button", name="Create", exact=True).click()
        card = console.page.locator(".card")
        await expect(card).to_contain_text("Slow is being created")
        await expect(card.get_by_role("listitem")).to_have_count(1)
        await expect(console.row("Slow")).to_contain_text("provisioning")
        gate.open()
        await expect(console.row("Slow")).to_contain_text("ready")
