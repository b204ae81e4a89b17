"""The console's details of a database in a real browser: connection, extend, rotate, restore,
delete."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from domain.secrets import Secret
from tests.support.apps import RunningApp, running_app
from tests.support.console import Console
from tests.support.standing_clock import StandingClock

pytestmark = pytest.mark.browser


async def open_database(console: Console, app: RunningApp, **more: Any) -> tuple[Any, Locator]:
    """Create a database by the API, and open its details."""
    database = await app.create_database("Shop", **more)
    await console.open(app)
    return database, await console.open_details("Shop")


async def expire(app: RunningApp) -> None:
    """Let an hour pass, and what expired meanwhile be closed."""
    app.clock.passed += 3600
    assert (await app.ask("POST", "/v1/reconciliations", {})).status == 200


async def test_the_connection_is_hidden_until_it_is_shown(
    console: Console, app: RunningApp
) -> None:
    database, details = await open_database(console, app)
    password = database["connection"]["password"]
    await details.get_by_role("button", name="Connection").click()
    uri = details.get_by_role("tabpanel", name="URI").locator("pre")
    await expect(uri).to_contain_text("postgresql://user_shop:\u2022\u2022")
    await expect(details).to_contain_text("The login was checked.")
    assert password not in await console.page.content()
    await details.get_by_role("button", name="Show").click()
    await expect(uri).to_have_text(database["connection"]["uri"])
    await details.get_by_role("button", name="Hide").click()
    await expect(uri).not_to_contain_text(password)


async def test_every_format_of_the_service_is_a_tab(console: Console, app: RunningApp) -> None:
    database, details = await open_database(console, app)
    await details.get_by_role("button", name="Connection").click()
    tabs = details.get_by_role("tab")
    await expect(tabs).to_have_count(len((await app.get("/"))["formats"]) + 1)
    await details.get_by_role("tab", name="JDBC").click()
    async with app.client.get(f"/v1/databases/{database['id']}/connection?format=jdbc") as answer:
        expected = await answer.text()
    copy = details.get_by_role("tabpanel").get_by_role("button", name="Copy", exact=True)
    assert await console.copied(copy) == expected
    assert database["connection"]["password"] not in await console.page.content()


async def test_tabs_are_chosen_by_arrow_keys(console: Console, app: RunningApp) -> None:
    _, details = await open_database(console, app)
    await details.get_by_role("button", name="Connection").click()
    await details.get_by_role("tab", name="URI").press("ArrowRight")
    fields = details.get_by_role("tab", name="Fields")
    await expect(fields).to_be_focused()
    await expect(fields).to_have_attribute("aria-selected", "true")


async def test_each_field_is_copied_without_being_shown(console: Console, app: RunningApp) -> None:
    database, details = await open_database(console, app)
    await details.get_by_role("button", name="Connection").click()
    await details.get_by_role("tab", name="Fields").click()
    copy = details.get_by_role("button", name="Copy the password")
    assert await console.copied(copy) == database["connection"]["password"]
    assert database["connection"]["password"] not in await console.page.content()


async def test_a_password_that_no_longer_works_is_rotated(
    console: Console, app: RunningApp
) -> None:
    database, details = await open_database(console, app)
    app.provider.set_password("user_shop", Secret("chosen by the owner"))
    await details.get_by_role("button", name="Connection").click()
    await details.get_by_role("button", name="Rotate the password").click()
    await (
        console.dialog("Rotate the password of Shop")
        .get_by_role("button", name="Rotate password")
        .click()
    )
    await expect(details).to_contain_text("The login was checked.")
    rotated = await app.get(f"/v1/databases/{database['id']}/connection")
    assert rotated["password"] != database["connection"]["password"]
    assert app.accepts(rotated)


async def test_the_expiry_is_changed(console: Console, app: RunningApp) -> None:
    _, details = await open_database(console, app, ttl="1h")
    await expect(details).to_contain_text(re.compile(r"expires on .* UTC|GMT"))
    await details.get_by_role("button", name="Extend").click()
    dialog = console.dialog("Change the expiry of Shop")
    await dialog.get_by_label("New lifetime").select_option("30d")
    await expect(dialog).to_contain_text("It will expire in")
    await dialog.get_by_role("button", name="Change expiry").click()
    await expect(details).to_contain_text(re.compile(r"in (29|30) d"))

    await details.get_by_role("button", name="Extend").click()
    await dialog.get_by_label("New lifetime").select_option("never")
    await dialog.get_by_role("button", name="Change expiry").click()
    await expect(details).to_contain_text("does not expire")


async def test_labels_are_changed(console: Console, app: RunningApp) -> None:
    database, details = await open_database(console, app, labels={"team": "web"})
    await details.get_by_role("button", name="Labels").click()
    dialog = console.dialog("Change the labels of Shop")
    await dialog.get_by_label("Labels").fill("no label")
    await dialog.get_by_role("button", name="Save labels").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("is not a label")
    await dialog.get_by_label("Labels").fill("team=bi")
    await dialog.get_by_role("button", name="Save labels").click()
    await expect(details).to_contain_text("team=bi")
    assert (await app.get(f"/v1/databases/{database['id']}"))["labels"] == {"team": "bi"}


async def test_an_expired_database_is_restored(console: Console) -> None:
    async with running_app(clock=StandingClock(), grace_period="1d") as app:
        database, details = await open_database(console, app, ttl="30m")
        await expire(app)
        await expect(details).to_contain_text("can be restored until")
        await details.get_by_role("button", name="Delete").click()
        await expect(console.dialog("Delete Shop")).to_contain_text("can be restored until")
        await console.page.keyboard.press("Escape")
        await details.get_by_role("button", name="Restore").click()
        await console.dialog("Restore Shop").get_by_role("button", name="Restore").click()
        await expect(details).to_contain_text("The login was checked.")
        await console.page.keyboard.press("Escape")
        await expect(console.row("Shop")).to_contain_text("ready")
        assert app.accepts(database["connection"])


async def test_a_database_is_deleted_after_its_name_was_typed(
    console: Console, app: RunningApp
) -> None:
    _, details = await open_database(console, app)
    await details.get_by_role("button", name="Delete").click()
    dialog = console.dialog("Delete Shop")
    await expect(dialog).to_contain_text("A deleted database cannot be restored.")
    delete = dialog.get_by_role("button", name="Delete database")
    await expect(delete).to_be_disabled()
    name = await console.copied(dialog.get_by_role("button", name="Copy the name"))
    await dialog.get_by_label("Type the name to confirm").fill(name)
    await delete.click()
    await expect(dialog).to_have_count(0)
    await expect(details).to_contain_text("deleted")
    await console.page.keyboard.press("Escape")
    await expect(console.row("Shop")).to_have_count(0)
    assert await app.is_empty()


async def test_an_error_keeps_the_dialog_and_shows_the_request_id(
    console: Console, app: RunningApp
) -> None:
    database, details = await open_database(console, app)
    await details.get_by_role("button", name="Rotate").click()
    await app.ask("DELETE", f"/v1/databases/{database['id']}")
    dialog = console.dialog("Rotate the password of Shop")
    await dialog.get_by_role("button", name="Rotate password").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Request id")


async def test_the_address_of_a_database_opens_its_details(
    console: Console, app: RunningApp
) -> None:
    database = await app.create_database("Linked")
    await console.open(app, f"#/databases/{database['id']}")
    details = console.dialog("Linked")
    await expect(details).to_contain_text(database["id"])
    await console.page.keyboard.press("Escape")
    await expect(details).to_have_count(0)
    await expect(console.page).to_have_url(re.compile("#/databases$"))
    await console.page.go_back()
    await expect(details).to_be_visible()


async def test_the_uri_is_copied_from_the_list(console: Console, app: RunningApp) -> None:
    database = await app.create_database("Shop")
    await console.open(app)
    button = console.row("Shop").get_by_role("button", name="Copy the URI of Shop")
    assert await console.copied(button) == database["connection"]["uri"]


async def test_the_focus_returns_to_the_row(console: Console, app: RunningApp) -> None:
    await open_database(console, app)
    await console.page.keyboard.press("Escape")
    await expect(console.page.get_by_role("link", name="Shop", exact=True)).to_be_focused()
