"""The console in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import ConsoleMessage, Error, Locator, Page, expect

from tests.clients.tools import axe_core
from tests.support.apps import RunningApp

EXPECTED = ("Failed to load resource", "Cross-Origin-Opener-Policy")
"""What browsers report about each answer that is not a success, and about a site without HTTPS."""

_ADD_FIELD = """
() => {
    const field = Object.assign(document.createElement("textarea"), {id: "pasted"});
    const dialogs = document.querySelectorAll("dialog[open] > .content");
    (dialogs[dialogs.length - 1] ?? document.body).append(field);
}
"""
"""Add a field where it can have the focus: an open dialog makes everything else inert."""

_AXE = """
async () => {
    const {violations} = await axe.run(document, {resultTypes: ["violations"]});
    return violations.map(({id, nodes}) => `${id}: ${nodes.map(node => node.html).join(" | ")}`);
}
"""


@dataclass
class Console:
    """The page, and the errors in the browser's console that no test expects."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def record(self, message: ConsoleMessage) -> None:
        is_expected = any(text in message.text for text in EXPECTED)
        if message.type in {"error", "warning"} and not is_expected:
            self.errors.append(message.text)

    def record_crash(self, error: Error) -> None:
        self.errors.append(str(error))

    async def open(self, app: RunningApp, path: str = "", host: str = "127.0.0.1") -> None:
        # the page before, in the same place, would only change its address
        await self.page.goto("about:blank")
        await self.page.goto(f"http://{host}:{app.port}/{path}")

    async def sign_in(self, text: str) -> None:
        await self.page.get_by_label("API key or one-time code").fill(text)
        await self.page.get_by_role("button", name="Sign in").click()

    async def create(self, name: str) -> Locator:
        """Create a database by the form, and return its card when it is ready."""
        await self.page.get_by_label("Name", exact=True).fill(name)
        await self.page.get_by_role("button", name="Create", exact=True).click()
        card = self.page.locator(".card.is-ready").first
        await expect(card.get_by_role("heading", name=name)).to_be_visible()
        return card

    def row(self, name: str) -> Locator:
        """Return the row of the list with that nickname."""
        rows = self.page.get_by_role("table", name="Databases").get_by_role("row")
        return rows.filter(has=self.page.get_by_role("link", name=name, exact=True))

    async def open_details(self, name: str) -> Locator:
        """Open the details of the database with that nickname."""
        await self.page.get_by_role("link", name=name, exact=True).click()
        details = self.dialog(name)
        await expect(details).to_be_visible()  # a key pressed before misses the dialog
        return details

    def dialog(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title, exact=True)

    async def copied(self, button: Locator) -> str:
        """Click a button that copies, and return what another program would paste."""
        await button.click()
        await expect(button).to_contain_text("Copied")
        return await self.paste()

    async def paste(self) -> str:
        """Return the text in the clipboard, by pasting it into a field of the test."""
        await self.page.evaluate(_ADD_FIELD)
        field = self.page.locator("#pasted")
        await field.press("Control+V")
        pasted = await field.input_value()
        await self.page.evaluate("document.getElementById('pasted').remove()")
        return pasted

    async def find_violations(self) -> list[str]:
        """Return what axe-core objects to in the page as it is now."""
        if not await self.page.evaluate("'axe' in window"):
            # not as an element of the page, whose policy forbids scripts of others
            await self.page.evaluate(axe_core())
        violations: list[str] = await self.page.evaluate(_AXE)
        return violations


@asynccontextmanager
async def recording_console(page: Page) -> AsyncIterator[Console]:
    """Yield the console; fail at the end if the browser reported an error."""
    console = Console(page)
    await page.set_viewport_size({"width": 1280, "height": 860})
    page.on("console", console.record)
    page.on("pageerror", console.record_crash)
    yield console
    await page.goto("about:blank")
    assert not console.errors, console.errors
