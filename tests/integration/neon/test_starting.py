"""The checks at the start: what does not fit is said once, with the variable and the mend."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from adapters.neon.opening import opened_neon
from domain.errors import StartupError
from domain.secret import Secret
from domain.target import Isolation
from tests.support.clock import FakeClock
from tests.support.neon.checks import left_as_it_was, turned, works
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import settings_on
from tests.support.orders import new_order

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])
SHARED = pytest.mark.parametrize("isolation", [NONE, ROLE])

POOLED = "127-pooler.0.0.1"
"""The emulator's host, as Neon would name the pooled one."""


@ALL
async def test_starts_where_everything_fits(neon: RunningEmulator, isolation: Isolation) -> None:
    async with opened_neon(settings_on(neon, isolation)) as provider:
        await provider.ping()


@ALL
async def test_names_a_key_that_neon_refuses(neon: RunningEmulator, isolation: Isolation) -> None:
    error = await _refused(neon, isolation, key=Secret("napi_thisonedoesnotfit"))

    assert "NEON_API_KEY" in error
    assert "napi_thisonedoesnotfit" not in error


@pytest.mark.parametrize("status", [403, 404])
async def test_names_a_project_that_there_is_not(neon: RunningEmulator, status: int) -> None:
    with turned(neon, foreign_status=status):
        error = await _refused(neon, ROLE, project_id="shiny-wind-12345678")

    assert "shiny-wind-12345678" in error
    assert "NEON_PROJECT_ID" in error


@pytest.mark.parametrize("status", [403, 404])
async def test_names_a_branch_that_there_is_not(neon: RunningEmulator, status: int) -> None:
    with turned(neon, foreign_status=status):
        error = await _refused(neon, ROLE, branch_id="br-shiny-wind-12345678")

    assert "br-shiny-wind-12345678" in error
    assert "NEON_BRANCH_ID" in error


@ALL
async def test_names_a_branch_without_a_compute_that_writes(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    with turned(neon, read_write_compute=False):
        error = await _refused(neon, isolation)

    assert neon.branch_id in error
    assert "read-write compute" in error


@pytest.mark.parametrize(
    "host", ["ep-cool-sun-12345678.eu-central-1.aws.neon.tech", "127.0.0.2", "localhost"]
)
async def test_names_a_host_that_belongs_to_nothing_of_the_branch(
    neon: RunningEmulator, host: str
) -> None:
    error = await _refused(neon, ROLE, host=host)

    assert f"NEON_HOST={host}" in error
    assert f"set it to {neon.host}" in error


async def test_takes_the_pooled_host_and_works_by_the_direct_one(neon: RunningEmulator) -> None:
    settings = settings_on(neon, ROLE)
    order = new_order()
    async with (
        opened_neon(replace(settings, place=replace(settings.place, host=POOLED))) as pooled,
        left_as_it_was(neon),
    ):
        made = await pooled.provision(order)

        assert made.host == POOLED
        assert await works(replace(made, host=neon.host))
        await pooled.retire(order.tenant)


async def test_names_the_mode_that_a_key_for_one_project_does_not_allow(
    scoped: RunningEmulator,
) -> None:
    error = await _refused(scoped, PROJECT)

    assert "PGVEND_NEON_ISOLATION=project" in error
    assert "NEON_API_KEY" in error


@SHARED
async def test_a_key_for_one_project_is_enough_for_the_others(
    scoped: RunningEmulator, isolation: Isolation
) -> None:
    async with opened_neon(settings_on(scoped, isolation)) as provider:
        await provider.ping()


@SHARED
async def test_says_that_passwords_have_to_be_stored(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    with turned(neon, store_passwords=False):
        error = await _refused(neon, isolation)

    assert "store" in error
    assert "password" in error


@ALL
async def test_names_an_api_that_is_not_there(neon: RunningEmulator, isolation: Isolation) -> None:
    error = await _refused(neon, isolation, api_url=f"http://127.0.0.1:{unused_port()}/api/v2")

    assert "NEON_API_URL" in error


@pytest.mark.parametrize("status", [200, 302, 404])
async def test_names_an_api_that_is_something_else(neon: RunningEmulator, status: int) -> None:
    async with TestServer(_site(status)) as site:
        error = await _refused(neon, ROLE, api_url=str(site.make_url("/api/v2")))

    assert "NEON_API_URL" in error


async def test_an_api_that_does_not_answer_is_given_up(neon: RunningEmulator) -> None:
    with turned(neon):
        neon.fault("get_project", "hang_before", times=None)
        error = await _refused(neon, ROLE, patience=0.3)

    assert "did not answer" in error


async def test_an_api_that_is_out_of_order_is_said_to_be(neon: RunningEmulator) -> None:
    with turned(neon):
        neon.fault("get_project", "unavailable", times=None)
        error = await _refused(neon, ROLE)

    assert "not available" in error


async def test_warns_once_that_tenants_can_read_each_other(neon: RunningEmulator) -> None:
    with structlog.testing.capture_logs() as logs:
        async with opened_neon(settings_on(neon, NONE, log=structlog.get_logger())):
            pass

    [warning] = [line for line in logs if line["event"] == "neon.no_isolation"]
    assert warning["log_level"] == "warning"
    assert "PGVEND_NEON_ISOLATION=role" in warning["detail"]


@pytest.mark.parametrize("isolation", [ROLE, PROJECT])
async def test_does_not_warn_where_tenants_are_kept_apart(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with opened_neon(settings_on(neon, isolation)):
            pass

    assert [line for line in logs if line["event"] == "neon.no_isolation"] == []


@ALL
async def test_leaves_nothing_open_when_it_does_not_start(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    """Warnings are errors: an unclosed session would be one."""
    async with left_as_it_was(neon):
        await _refused(neon, isolation, host="127.0.0.2")


@pytest.fixture(scope="module")
async def scoped() -> AsyncIterator[RunningEmulator]:
    """Neon for a key that is scoped to the one project."""
    async with running_emulator(middlewares=[_one_project_only]) as running:
        yield running


@web.middleware
async def _one_project_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if request.path == "/api/v2/projects":
        message = "not allowed to perform actions outside the project this key is scoped to"
        return web.json_response({"code": "", "message": message}, status=404)
    return await handler(request)


def _site(status: int) -> web.Application:
    """Something that speaks HTTP, and is no API."""

    async def page(_: web.Request) -> web.Response:
        elsewhere = {"Location": "/login"} if status == 302 else {}
        return web.Response(
            status=status, text="<html></html>", content_type="text/html", headers=elsewhere
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return app


async def _refused(neon: RunningEmulator, isolation: Isolation, **wrong: Any) -> str:
    """What the operator is told; the key is not in it."""
    patience = wrong.pop("patience", 10.0)
    settings = replace(settings_on(neon, isolation, answer_timeout=patience), clock=FakeClock())
    place = replace(settings.place, **wrong)
    with pytest.raises(StartupError) as caught:
        async with opened_neon(replace(settings, place=place)):
            pass
    assert neon.key not in f"{caught.value} {caught.value.__cause__!r} {place!r}"
    return str(caught.value)
