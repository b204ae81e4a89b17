"""Failures of the API at startup: short ones are repeated, lasting ones are reported."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from adapters.neon.startup import START_PAUSES
from domain.targets import Isolation
from tests.support.clock import FakeClock
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now
from tests.support.neon.providers import start_and_fail, started_provider

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT


async def test_an_unreachable_api_is_reported(neon: RunningEmulator) -> None:
    error = await start_and_fail(neon, ROLE, api_url=f"http://127.0.0.1:{unused_port()}/api/v2")

    assert "NEON_API_URL" in error


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_an_address_without_the_api_is_reported(neon: RunningEmulator, status: int) -> None:
    async with TestServer(_create_site(status)) as site:
        error = await start_and_fail(neon, ROLE, api_url=str(site.make_url("/api/v2")))

    assert "NEON_API_URL" in error


async def test_a_hanging_api_is_reported(neon: RunningEmulator) -> None:
    with override_behaviour_now(neon):
        neon.add_fault("get_project", "hang_before", times=None)
        error = await start_and_fail(neon, ROLE, response_timeout=0.3)

    assert "did not respond" in error


STARTUP_REQUESTS = {
    NONE: ["get_project", "get_branch", "list_branch_endpoints", "list_databases"],
    ROLE: ["get_project", "get_branch", "list_databases", "get_connection_uri"],
    PROJECT: ["get_project", "get_branch", "list_branch_endpoints", "list_projects"],
}
"""Some requests of each mode at startup."""

SENT = [(isolation, route) for isolation, routes in STARTUP_REQUESTS.items() for route in routes]
OTHER_FAILURES = ("reset_before", "failed_after", "limited")


@pytest.mark.parametrize(
    ("isolation", "route", "how"),
    [
        *((isolation, route, "unavailable") for isolation, route in SENT),
        *((ROLE, "get_project", how) for how in OTHER_FAILURES),
    ],
)
async def test_one_failure_does_not_prevent_startup(
    neon: RunningEmulator, isolation: Isolation, route: str, how: str
) -> None:
    with override_behaviour_now(neon):
        neon.add_fault(route, how)
        async with started_provider(neon, isolation, FakeClock()) as provider:
            await provider.ping()

        assert neon.emulator.faults.list_pending() == []


@pytest.mark.parametrize(("isolation", "route"), SENT)
async def test_repeated_failures_prevent_startup(
    neon: RunningEmulator, isolation: Isolation, route: str
) -> None:
    clock = FakeClock()
    with override_behaviour_now(neon):
        neon.add_fault(route, "unavailable", times=None)
        error = await start_and_fail(neon, isolation, clock)

    assert "not available" in error
    assert clock.slept == list(START_PAUSES)


def _create_site(status: int) -> web.Application:
    """Create an HTTP server that is not Neon's API."""

    async def page(_: web.Request) -> web.Response:
        elsewhere = {"Location": "/login"} if status == 302 else {}
        return web.Response(
            status=status, text="<html></html>", content_type="text/html", headers=elsewhere
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return app
