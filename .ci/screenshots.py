"""`python .ci/screenshots.py`: write the pictures of the console in docs/images."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, async_playwright, expect

REPOSITORY = Path(__file__).parents[1]
IMAGES = REPOSITORY / "docs/images"

sys.path.insert(0, str(REPOSITORY))

from tests.support.browser import CHROMIUM, CHROMIUM_OPTIONS  # noqa: E402 - from this clone
from tests.support.polling import wait_until  # noqa: E402
from tests.support.service import RunningService, running_service  # noqa: E402
from tests.support.service_client import request_json  # noqa: E402

DATABASES: tuple[dict[str, Any], ...] = (
    {"nickname": "Sales Data 2024", "labels": {"team": "data"}},
    {"nickname": "Übungen Zürich", "ttl": "90d", "labels": {"class": "sql101"}},
    {"nickname": "pr-42", "ttl": "7d", "labels": {"job": "4711", "team": "web"}},
    {"nickname": "demo", "ttl": "2h", "labels": {}},
)

DESKTOP = (1120, 760)
PHONE = (360, 740)

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_service(Path(folder, "data"), PGVEND_SPARES="default=1") as service,
            async_playwright() as playwright,
            await playwright.chromium.launch(
                executable_path=CHROMIUM, args=CHROMIUM_OPTIONS
            ) as browser,
        ):
            for database in DATABASES:
                await request_json(service, "POST", "/v1/databases", database)
            await wait_until(partial(has_spare, service))
            await take_all(browser, service)


async def has_spare(service: RunningService) -> bool:
    """Return whether a creation will claim a spare, as usual."""
    readiness = await request_json(service, "GET", "/readyz")
    return bool(readiness["spares"]["ready"])


async def take_all(browser: Browser, service: RunningService) -> None:
    async with opened(browser, service, DESKTOP) as page:
        await create(page, "Web Shop")
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await take(page, f"console-{scheme}")
    async with opened(browser, service, PHONE) as page:
        await take(page, "console-phone")
        await open_details(page)
        await take(page, "console-phone-details")


@asynccontextmanager
async def opened(
    browser: Browser, service: RunningService, size: tuple[int, int]
) -> AsyncIterator[Page]:
    """Open the console in a window of that size, and wait until it shows the list."""
    width, height = size
    page = await browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=1.5
    )
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(service.url)
    await expect(page.get_by_role("link", name="demo", exact=True)).to_be_visible()
    yield page
    await page.close()


async def create(page: Page, name: str) -> None:
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.locator(".card.is-ready")).to_be_visible()


async def open_details(page: Page) -> None:
    await page.get_by_role("link", name="Web Shop", exact=True).click()
    await expect(page.get_by_role("dialog", name="Web Shop", exact=True)).to_be_visible()


async def take(page: Page, name: str) -> None:
    await page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":  # the service is forked from a process that imports this file
    asyncio.run(main())
