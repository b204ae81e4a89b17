"""A real browser with its own EventSource, and a page of another origin."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright

from tests.support.requirements import skip_without

CHROMIUM = "/usr/bin/chromium"

INSECURE_HOST = "console.test"
"""A name of this machine; browsers trust its pages with HTTPS only, unlike those of localhost."""

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
]

_ASK = """
async ([url, init]) => {
    try {
        const response = await fetch(url, init);
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers),
            body: await response.json(),
        };
    } catch (error) {
        return {error: error.name};
    }
}
"""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    if not shutil.which(CHROMIUM):
        skip_without("a browser: apt-get install chromium")
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_OPTIONS
        ) as browser,
    ):
        yield browser


@asynccontextmanager
async def open_page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page without what others left: storage, routes, a clock, listeners."""
    async with await browser.new_context() as context:
        yield await context.new_page()


@asynccontextmanager
async def empty_site() -> AsyncIterator[str]:
    """Serve a site with one empty page, and yield its origin."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>A page</title>", content_type="text/html")

    site = web.Application()
    site.router.add_get("/", page)
    async with TestServer(site) as server:
        yield str(server.make_url("/")).rstrip("/")


async def post_from_page(
    page: Page, url: str, body: str, content_type: str = "application/json", **init: Any
) -> Any:
    """Send a POST from a script in the page, and return the answer, or `error` if it is hidden."""
    headers = {"Content-Type": content_type}
    return await page.evaluate(
        _ASK, [url, {"method": "POST", "headers": headers, "body": body, **init}]
    )


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
    """Start listening to the events at `url` in the page."""
    await page.evaluate(_LISTEN, [url, {"withCredentials": credentials}])


async def wait_for_events(page: Page, events: int) -> None:
    """Wait until the page has received that many events."""
    await page.wait_for_function(f"window.seen.length >= {events}")


async def wait_until_closed(page: Page) -> tuple[list[Any], int]:
    """Wait until the browser gives up; return the events, and the number of connections."""
    await page.wait_for_function("window.isOver")
    return await page.evaluate("window.seen"), await page.evaluate("window.opened")
