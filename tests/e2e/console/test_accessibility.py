"""The console breaks no rule of axe-core, in light and in dark, wide and narrow."""

from typing import Literal

import pytest
from playwright.async_api import expect

from tests.support.apps import RunningApp
from tests.support.console import Console
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp

pytestmark = pytest.mark.browser

SIZES = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 360, "height": 740}}


@pytest.mark.parametrize(("scheme", "size"), [("light", "wide"), ("dark", "narrow")])
async def test_no_rule_is_broken(
    console: Console, guarded: KeyedApp, scheme: Literal["light", "dark"], size: str
) -> None:
    page = console.page
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.set_viewport_size(SIZES[size])  # type: ignore[arg-type] # a TypedDict of Playwright
    await console.open(guarded.app)
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    found = {"signing in": await console.find_violations()}
    await console.sign_in(ADMIN_KEY)
    await expect(page.get_by_text("No databases yet")).to_be_visible()
    found["the empty page"] = await console.find_violations()
    await console.create("Web Shop")
    await page.locator("summary").click()
    found["a database"] = await console.find_violations()
    assert await is_as_wide_as_the_screen(console)
    details = await console.open_details("Web Shop")
    await details.get_by_role("button", name="Connection").click()
    await expect(details).to_contain_text("The login was checked.")
    await details.get_by_role("tab", name="Fields").click()
    found["the details"] = await console.find_violations()
    await details.get_by_role("button", name="Delete").click()
    found["the deletion"] = await console.find_violations()
    for view in ("Templates", "Keys", "Audit"):
        await page.goto(page.url.partition("#")[0] + f"#/{view.lower()}")
        await expect(page.get_by_role("heading", name=view)).to_be_visible()
        await expect(page.locator(".view-body > *")).to_have_count(1)
        found[view] = await console.find_violations()
        assert await is_as_wide_as_the_screen(console), view
    await page.goto(page.url.partition("#")[0] + "#/keys")
    await page.get_by_role("button", name="New key").click()
    found["a new key"] = await console.find_violations()

    assert {place: violations for place, violations in found.items() if violations} == {}


async def test_everything_is_reached_by_the_keyboard(console: Console, app: RunningApp) -> None:
    await console.open(app)
    await expect(console.page.get_by_text("No databases yet")).to_be_visible()
    await console.page.keyboard.press("Tab")
    await expect(console.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await console.page.keyboard.press("Enter")
    await console.page.keyboard.press("Tab")
    await console.page.keyboard.type("By keyboard")
    await console.page.keyboard.press("Enter")
    await expect(console.row("By keyboard")).to_contain_text("ready")
    await expect(console.page.locator("#announcer")).to_have_text("By keyboard is ready")
    await console.page.get_by_role("link", name="By keyboard").focus()
    await console.page.keyboard.press("Enter")
    await expect(console.dialog("By keyboard")).to_be_visible()


async def is_as_wide_as_the_screen(console: Console) -> bool:
    """Return whether the page does not scroll sideways."""
    return bool(await console.page.evaluate("document.body.scrollWidth <= innerWidth"))
