"""Signing in to the console in a real browser, and what keys with few scopes see."""

import pytest
from playwright.async_api import expect

from domain.callers import Caller, Scope
from domain.secrets import Secret
from tests.support.apps import reserved_port
from tests.support.browser import INSECURE_HOST
from tests.support.console import Console
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, running_keyed_app
from tests.support.standing_clock import StandingClock

pytestmark = pytest.mark.browser


async def test_a_key_signs_in_and_is_gone_after_a_reload(
    console: Console, guarded: KeyedApp
) -> None:
    await console.open(guarded.app)
    await console.sign_in(ADMIN_KEY)
    await console.create("Behind a key")
    await expect(console.page.get_by_role("link", name="Keys")).to_be_visible()
    assert ADMIN_KEY not in await console.page.content()
    assert ADMIN_KEY not in console.page.url
    await console.page.reload()
    await expect(console.page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("a-key-that-does-not-exist", "Request id"),
        ("ABCD-EF12", "Request id"),
        ("", "Type a key or a code"),
        ("not a key at all", "copy it again"),
    ],
)
async def test_a_wrong_key_or_code_is_refused(
    console: Console, guarded: KeyedApp, typed: str, message: str
) -> None:
    await console.open(guarded.app)
    await console.sign_in(typed)
    await expect(console.page.get_by_role("alert")).to_contain_text(message)
    await expect(console.page.get_by_label("API key or one-time code")).to_be_focused()


async def test_a_one_time_code_signs_in_once(console: Console, guarded: KeyedApp) -> None:
    client = await guarded.create_client("teacher", ["create", "read"])
    caller = Caller(name="teacher", scopes=frozenset({Scope.CREATE, Scope.READ}))
    code = guarded.app.use_cases.access.exchange_key.offer(Secret(client.key), caller).reveal()
    await console.open(guarded.app)
    await console.sign_in(code.lower())
    await expect(console.page.locator("summary")).to_contain_text("teacher")
    await console.page.reload()
    await console.sign_in(code)
    await expect(console.page.get_by_role("alert")).to_contain_text("code")


async def test_signing_out_forgets_the_key(console: Console, guarded: KeyedApp) -> None:
    await console.open(guarded.app)
    await console.sign_in(ADMIN_KEY)
    await console.page.locator("summary").click()
    await console.page.get_by_role("button", name="Sign out").click()
    await expect(console.page.get_by_label("API key or one-time code")).to_be_focused()
    await expect(console.page.get_by_role("link", name="Databases")).to_have_count(0)


async def test_a_revoked_key_ends_the_session(console: Console, guarded: KeyedApp) -> None:
    client = await guarded.create_client("short")
    await console.open(guarded.app)
    await console.sign_in(client.key)
    await expect(console.page.get_by_text("No databases yet")).to_be_visible()
    await guarded.admin.ask("DELETE", f"/v1/keys/{client.id}")
    await console.page.get_by_label("Name", exact=True).fill("Too late")
    await console.page.get_by_role("button", name="Create", exact=True).click()
    await expect(console.page.get_by_text("You were signed out")).to_be_visible()


async def test_a_key_without_read_creates_and_copies(console: Console, guarded: KeyedApp) -> None:
    client = await guarded.create_client("form", ["create"])
    await console.open(guarded.app)
    await console.sign_in(client.key)
    await expect(console.page.get_by_text("but not list them")).to_be_visible()
    await expect(console.page.get_by_role("link", name="Keys")).to_have_count(0)
    card = await console.create("Only created")
    uri = await console.copied(card.get_by_role("button", name="Copy", exact=True))
    [database] = (await guarded.admin.ask("GET", "/v1/databases")).body["databases"]
    connection = await guarded.admin.ask("GET", f"/v1/databases/{database['id']}/connection")
    assert uri == connection.body["uri"]


async def test_the_menu_shows_the_quota(console: Console, guarded: KeyedApp) -> None:
    client = await guarded.create_client("class", quota=3)
    await client.create_database("One")
    await console.open(guarded.app)
    await console.sign_in(client.key)
    await console.page.locator("summary").click()
    await expect(console.page.locator(".menu-body")).to_contain_text("1 of 3")


async def test_copying_works_without_https(console: Console, guarded: KeyedApp) -> None:
    """Such pages have no `navigator.clipboard`; dialogs make everything else inert."""
    database = await guarded.admin.create_database("Shop")
    await console.open(guarded.app, host=INSECURE_HOST)
    assert await console.page.evaluate("!isSecureContext && !navigator.clipboard")
    await console.sign_in(ADMIN_KEY)
    details = await console.open_details("Shop")
    await details.get_by_role("button", name="Connection").click()
    copy = details.get_by_role("tabpanel").get_by_role("button", name="Copy", exact=True)
    assert await console.copied(copy) == database["connection"]["uri"]


async def test_a_refused_copy_is_not_called_copied(console: Console, guarded: KeyedApp) -> None:
    await guarded.admin.create_database("Shop")
    await console.open(guarded.app, host=INSECURE_HOST)
    await console.page.evaluate("document.execCommand = () => false")
    await console.sign_in(ADMIN_KEY)
    button = console.row("Shop").get_by_role("button", name="Copy the URI of Shop")
    await button.click()
    await expect(button).to_contain_text("Not copied")


async def test_the_page_waits_for_a_service_that_is_not_ready(console: Console) -> None:
    with reserved_port() as port:
        async with running_keyed_app(port=port, clock=StandingClock()) as guarded:
            await console.open(guarded.app)
            await expect(console.page.get_by_role("button", name="Sign in")).to_be_visible()
        await console.sign_in(ADMIN_KEY)
        await expect(console.page.get_by_role("alert")).to_contain_text("does not answer")
        async with running_keyed_app(port=port, clock=StandingClock()):
            await console.page.get_by_role("button", name="Sign in").click()
            await expect(console.page.get_by_text("No databases yet")).to_be_visible()
