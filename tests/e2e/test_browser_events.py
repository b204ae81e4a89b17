"""Events in a real browser's EventSource, also after a broken connection."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page

from adapters.memory.provider import MemoryProvider
from tests.support.apps import RunningApp, running_app
from tests.support.browser import (
    empty_site,
    listen,
    post_from_page,
    wait_for_events,
    wait_until_closed,
)
from tests.support.provider_faults import Gate
from tests.support.slow_clock import SlowClock

pytestmark = pytest.mark.browser

CREATE_BODY = '{"nickname": "Watched by a page"}'

CREATE_STEPS = [
    ("1", "provision", "running"),
    ("2", "provision", "done"),
    ("3", "verify", "running"),
    ("4", "verify", "done"),
]


@pytest.fixture
async def site(page: Page) -> AsyncIterator[str]:
    """The origin of an open page."""
    async with empty_site() as origin:
        await page.goto(origin)
        yield origin


async def create_async(page: Page, app: RunningApp) -> str:
    """Create a database asynchronously from the page and return the URL of its events."""
    service = f"http://127.0.0.1:{app.port}"
    headers = {
        "Content-Type": "application/json",
        "Prefer": "respond-async",
        "Idempotency-Key": "a page's",
    }
    answer = await post_from_page(page, f"{service}/v1/databases", CREATE_BODY, headers=headers)
    assert answer["status"] == 202, answer
    assert answer["headers"]["preference-applied"] == "respond-async"
    return f"{service}{answer['headers']['location']}/events"


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_page_sees_every_step_once_and_the_end(page: Page, site: str, breaks: bool) -> None:
    gate = Gate("during provision")
    provider = MemoryProvider(fault_hook=gate)
    async with running_app(provider, clock=SlowClock(), cors_allow_origins=site) as app:
        await listen(page, await create_async(page, app))
        await wait_for_events(page, 1)
        for connection in app.server.connections if breaks else ():
            assert connection.transport
            connection.transport.close()
        gate.open()
        events, connections = await wait_until_closed(page)

    assert _parse_steps(events) == CREATE_STEPS
    assert [(event["name"], event["data"]["state"]) for event in events[4:]] == [
        ("settled", "ready")
    ]
    assert connections == 1 + breaks


async def test_a_late_page_sees_all_steps(page: Page, site: str) -> None:
    async with running_app(cors_allow_origins=site) as app:
        url = (
            f"http://127.0.0.1:{app.port}/v1/databases/{(await app.create_database())['id']}/events"
        )
        await listen(page, url, credentials=True)
        events, connections = await wait_until_closed(page)
    assert _parse_steps(events) == CREATE_STEPS
    assert connections == 1, "after the end the browser must not reconnect"


async def test_a_foreign_page_receives_no_events(page: Page, site: str) -> None:
    async with running_app(cors_allow_origins="https://app.example") as app:
        url = (
            f"http://127.0.0.1:{app.port}/v1/databases/{(await app.create_database())['id']}/events"
        )
        await listen(page, url)
        assert await wait_until_closed(page) == ([], 0)


def _parse_steps(events: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (event["id"], event["data"]["name"], event["data"]["state"])
        for event in events
        if event["name"] == "step"
    ]
