"""A browser's own EventSource."""

from typing import Any

from playwright.async_api import Page

_LISTEN = """
([url, init]) => {
    window.seen = [];
    window.opened = 0;
    window.isOver = false;
    const source = new EventSource(url, init);
    for (const name of ["step", "settled"]) {
        source.addEventListener(name, event => {
            window.seen.push({name, id: event.lastEventId, data: JSON.parse(event.data)});
        });
    }
    source.addEventListener("open", () => { window.opened += 1; });
    source.addEventListener("error", () => {
        window.isOver = source.readyState === EventSource.CLOSED;
    });
}
"""


async def listen(page: Page, url: str, *, credentials: bool = False) -> None:
    """Let the page listen to the events at `url` until the browser has given up."""
    await page.evaluate(_LISTEN, [url, {"withCredentials": credentials}])


async def heard(page: Page, events: int) -> None:
    """Return when the page has heard that many events."""
    await page.wait_for_function(f"window.seen.length >= {events}")


async def all_heard(page: Page) -> tuple[list[Any], int]:
    """What the page has heard when the browser has given up, and how often it was connected."""
    await page.wait_for_function("window.isOver")
    return await page.evaluate("window.seen"), await page.evaluate("window.opened")
