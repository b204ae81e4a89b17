"""The end of a session of the console in a real browser: nothing of it goes on or stays."""

import asyncio

import pytest
from playwright.async_api import Request, Route, expect

from adapters.memory.provider import MemoryProvider
from domain.callers import Caller, Scope
from domain.secrets import Secret
from tests.support.console import Console
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, running_keyed_app
from tests.support.provider_faults import Gate
from tests.support.standing_clock import StandingClock

pytestmark = pytest.mark.browser

SHOW_OR_HIDE = """
(isHidden) => {
    Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}
"""


async def sign_out(console: Console) -> None:
    await console.page.locator("summary").click()
    await console.page.get_by_role("button", name="Sign out").click()
    await expect(console.page.get_by_label("API key or one-time code")).to_be_focused()


def record_requests(console: Console, path: str) -> list[str]:
    """Return a list that gets the address of each request from now on whose address has `path`."""
    found: list[str] = []

    def record(request: Request) -> None:
        if path in request.url:
            found.append(request.url)

    console.page.on("request", record)
    return found


async def pass_time(console: Console, milliseconds: int) -> None:
    """Run the timers of the page, and wait until requests that they sent are recorded."""
    await console.page.clock.run_for(milliseconds)
    await console.page.evaluate("fetch('/livez')")


async def test_a_creation_is_not_followed_after_signing_out(console: Console) -> None:
    gate = Gate("during provision")
    provider = MemoryProvider(fault_hook=gate)
    async with running_keyed_app(provider=provider, clock=StandingClock()) as guarded:
        await console.page.clock.install()
        await console.page.route("**/v1/events", lambda route: route.abort())
        await console.open(guarded.app)
        await console.sign_in(ADMIN_KEY)
        await console.page.get_by_label("Name", exact=True).fill("Slow")
        await console.page.get_by_role("button", name="Create", exact=True).click()
        await expect(console.page.locator(".card")).to_contain_text("Slow is being created")
        await sign_out(console)
        requests = record_requests(console, "/v1/databases")
        await pass_time(console, 5000)
        gate.open()
        assert requests == []


async def test_a_page_that_was_hidden_asks_for_no_events_after_signing_out(
    console: Console, guarded: KeyedApp
) -> None:
    await console.page.clock.install()
    await console.open(guarded.app)
    await console.sign_in(ADMIN_KEY)
    await expect(console.page.locator(".live.is-live")).to_be_visible()
    await console.page.evaluate(SHOW_OR_HIDE, True)
    await pass_time(console, 61_000)
    await expect(console.page.locator(".live.is-paused")).to_be_visible()
    await sign_out(console)
    requests = record_requests(console, "/v1/events")
    await console.page.evaluate(SHOW_OR_HIDE, False)
    await pass_time(console, 5000)
    assert requests == []


async def test_an_answer_for_the_caller_before_is_not_shown_to_the_next(
    console: Console, guarded: KeyedApp
) -> None:
    first = await guarded.create_client("first")
    second = await guarded.create_client("second")
    database = (await first.ask("POST", "/v1/databases", {"nickname": "Private"})).body
    is_released = asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        await is_released.wait()
        await route.fulfill(response=answer)

    await console.open(guarded.app)
    await console.sign_in(first.key)
    await console.page.route(f"**/v1/databases/{database['id']}?*", hold)
    await console.open_details("Private")
    await console.page.keyboard.press("Escape")
    await sign_out(console)
    await console.sign_in(second.key)
    await expect(console.page.get_by_text("No databases yet")).to_be_visible()
    async with console.page.expect_response(f"**/v1/databases/{database['id']}?*") as held:
        is_released.set()
    await (await held.value).finished()
    await console.page.evaluate("fetch('/livez')")
    await expect(console.page.get_by_text("No databases yet")).to_be_visible()
    assert await console.row("Private").count() == 0


async def test_a_code_is_not_lost_with_the_answer_after_it(
    console: Console, guarded: KeyedApp
) -> None:
    client = await guarded.create_client("teacher", ["create", "read"])
    caller = Caller(name="teacher", scopes=frozenset({Scope.CREATE, Scope.READ}))
    code = guarded.app.use_cases.access.exchange_key.offer(Secret(client.key), caller).reveal()
    await console.open(guarded.app)
    await expect(console.page.get_by_role("button", name="Sign in")).to_be_visible()
    await console.page.route("**/v1/whoami", lambda route: route.abort(), times=1)
    await console.sign_in(code)
    await expect(console.page.get_by_role("alert")).to_contain_text("does not answer")
    await console.page.get_by_role("button", name="Sign in").click()
    await expect(console.page.locator("summary")).to_contain_text("teacher")
