"""The console's views of templates, keys and the audit log in a real browser."""

import pytest
from playwright.async_api import expect

from tests.support.apps import RunningApp
from tests.support.console import Console
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, bearer
from tests.support.polling import wait_until

pytestmark = pytest.mark.browser


async def open_view(console: Console, guarded: KeyedApp, name: str) -> None:
    await console.open(guarded.app)
    await console.sign_in(ADMIN_KEY)
    await console.page.get_by_role("link", name=name).click()
    await expect(console.page.get_by_role("heading", name=name)).to_be_visible()


async def test_a_template_is_created_used_and_deleted(console: Console, app: RunningApp) -> None:
    await app.create_database("Seeded")
    await console.open(app)
    page = console.page
    await expect(console.row("Seeded")).to_be_visible()
    await page.get_by_role("link", name="Templates").click()
    await page.get_by_role("button", name="New template").click()
    dialog = console.dialog("New template")
    await dialog.get_by_label("Name").fill("shop")
    await dialog.get_by_role("button", name="Create template").click()
    table = page.get_by_role("table", name="Templates")
    await expect(table).to_contain_text("ready")

    await table.get_by_role("button", name="Use shop").click()
    await expect(page.get_by_label("Template", exact=True)).not_to_have_value("")
    await console.create("Copy of shop")

    await page.get_by_role("link", name="Templates").click()
    await table.get_by_role("button", name="Delete").click()
    dialog = console.dialog("Delete the template shop")
    await dialog.get_by_label("Type the name to confirm").fill("shop")
    await dialog.get_by_role("button", name="Delete template").click()
    await expect(page.get_by_text("No templates yet")).to_be_visible()
    names = {each["nickname"]: each["source"] for each in await app.list_live()}
    assert names["Copy of shop"] is not None


async def test_a_new_key_is_shown_once_and_works(console: Console, guarded: KeyedApp) -> None:
    await open_view(console, guarded, "Keys")
    await console.page.get_by_role("button", name="New key").click()
    dialog = console.dialog("New key")
    await dialog.get_by_role("textbox", name="Caller").fill("ci")
    await dialog.get_by_label("Quota of databases").fill("20")
    await dialog.get_by_role("button", name="Create key").click()
    shown = console.dialog("The key of ci")
    await expect(shown).to_contain_text("it is shown only once")
    key = await console.copied(shown.get_by_role("button", name="Copy the key"))
    answer = await guarded.ask("GET", "/v1/whoami", headers=bearer(key))
    assert (answer.body["caller"], answer.body["quota"]) == ("ci", 20)
    assert answer.body["scopes"] == ["create", "manage", "read"]
    await console.page.keyboard.press("Escape")

    async def is_gone() -> bool:  # the browser closes the dialog after the key was pressed
        return key not in await console.page.content()

    await wait_until(is_gone)


async def test_a_key_is_revoked(console: Console, guarded: KeyedApp) -> None:
    client = await guarded.create_client("leaked")
    await open_view(console, guarded, "Keys")
    table = console.page.get_by_role("table", name="Keys")
    await table.get_by_role("button", name="Revoke").click()
    await console.page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    await expect(table).to_contain_text("revoked")
    assert (await client.ask("GET", "/v1/databases")).status == 401


async def test_the_audit_log_is_filtered_by_caller(console: Console, guarded: KeyedApp) -> None:
    await (await guarded.create_client("alice")).create_database("Hers")
    await (await guarded.create_client("bob")).create_database("His")
    await open_view(console, guarded, "Audit")
    table = console.page.get_by_role("table", name="Audit events")
    await expect(table.get_by_role("row")).to_have_count(5)  # with the head
    await console.page.get_by_label("Caller").fill("alice")
    await expect(table.get_by_role("row")).to_have_count(2)
    await expect(table).to_contain_text("createDatabase")
