"""Connections that the console shows stay true in a real browser, and addresses lead to them."""

import pytest
from playwright.async_api import expect

from adapters.memory.provider import MemoryProvider
from domain.errors import ProviderRejected
from tests.support.apps import RunningApp, running_app
from tests.support.console import Console
from tests.support.provider_faults import fail_at
from tests.support.standing_clock import StandingClock

pytestmark = pytest.mark.browser


async def test_a_new_connection_follows_a_rotation_elsewhere(
    console: Console, app: RunningApp
) -> None:
    await console.open(app)
    card = await console.create("Shop")
    await expect(card).to_contain_text("The login was checked.")
    await card.get_by_role("button", name="Show").click()
    [database] = await app.list_live()
    answer = await app.ask("POST", f"/v1/databases/{database['id']}/rotate", {})
    uri = answer.body["connection"]["uri"]
    await expect(card).to_contain_text("The login was checked.")
    await expect(card.get_by_role("button", name="Show")).to_be_visible()
    await card.get_by_role("button", name="Show").click()
    await expect(card.locator("pre")).to_have_text(uri)


async def test_a_new_connection_leaves_with_its_database(console: Console, app: RunningApp) -> None:
    await console.open(app)
    card = await console.create("Shop")
    [database] = await app.list_live()
    await app.ask("DELETE", f"/v1/databases/{database['id']}")
    await expect(card).to_contain_text("its connection does not work")
    await expect(card.get_by_role("button", name="Copy")).to_have_count(0)


async def test_the_connection_in_the_details_follows_a_rotation_elsewhere(
    console: Console, app: RunningApp
) -> None:
    database = await app.create_database("Shop")
    await console.open(app)
    details = await console.open_details("Shop")
    await details.get_by_role("button", name="Connection").click()
    await details.get_by_role("button", name="Show").click()
    answer = await app.ask("POST", f"/v1/databases/{database['id']}/rotate", {})
    uri = answer.body["connection"]["uri"]
    await details.get_by_role("button", name="Show").click()
    await expect(details.get_by_role("tabpanel", name="URI").locator("pre")).to_have_text(uri)


async def test_a_repeated_creation_sends_what_failed(console: Console) -> None:
    fault = fail_at("before provision", lambda: ProviderRejected("The disk is full."), times=1)
    async with running_app(MemoryProvider(fault_hook=fault), clock=StandingClock()) as app:
        await console.open(app)
        await console.page.get_by_role("button", name="labels").click()
        await console.page.get_by_label("Labels", exact=True).fill("team=web")
        await console.page.get_by_label("Name", exact=True).fill("Unlucky")
        await console.page.get_by_role("button", name="Create", exact=True).click()
        again = console.page.locator(".card.is-failed").get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await console.page.get_by_label("Labels", exact=True).fill("team=other")
        await console.page.get_by_label("Name", exact=True).fill("Next")
        await again.click()
        await expect(console.page.locator(".card.is-ready")).to_be_visible()
        await expect(console.page.get_by_label("Name", exact=True)).to_have_value("Next")
        [database] = await app.list_live()
        assert (database["nickname"], database["labels"]) == ("Unlucky", {"team": "web"})


async def test_the_address_of_a_nickname_opens_the_details(
    console: Console, app: RunningApp
) -> None:
    await app.create_database("Shop")
    await console.open(app, "#/databases/Shop")
    await expect(console.dialog("Shop")).to_contain_text("user_shop")


async def test_an_address_that_names_no_view_leads_to_the_list(
    console: Console, app: RunningApp
) -> None:
    await app.create_database("Shop")
    await console.open(app, "#/constructor")
    await expect(console.row("Shop")).to_contain_text("ready")


async def test_invisible_characters_are_shown_in_options_and_names_of_buttons(
    console: Console, app: RunningApp
) -> None:
    await app.create_database("\u202eexe.txt")
    await console.open(app, "#/databases")
    button = console.page.get_by_role("button", name="Copy the URI of U+202Eexe.txt", exact=True)
    await expect(button).to_be_visible()
    await console.page.get_by_role("link", name="Templates").click()
    await console.page.get_by_role("button", name="New template").click()
    option = console.page.get_by_label("Copy of").locator("option")
    await expect(option).to_contain_text("U+202Eexe.txt")
