"""The checks at startup: a wrong setting is reported once, with its variable and the fix."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters.neon.startup import open_neon
from domain.secrets import Secret
from domain.targets import Isolation
from tests.support.clock import FakeClock
from tests.support.neon.checks import can_log_in, no_changes
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now, running_emulator
from tests.support.neon.providers import create_config, provider_on, start_and_fail
from tests.support.provision_requests import new_provision_request

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT
ALL, SHARED = (NONE, ROLE, PROJECT), (NONE, ROLE)

POOLED = "127-pooler.0.0.1"
"""The emulator's host, in the form of Neon's pooled hosts."""


@dataclass(frozen=True)
class Mistake:
    """A mistake of the operator.

    `access` has the wrong values, `overrides` the emulator's settings. The error contains `words`,
    in which `{}` is the emulator's host or branch.
    """

    words: tuple[str, ...]
    access: dict[str, Any] = field(default_factory=dict)
    modes: tuple[Isolation, ...] = (ROLE,)
    overrides: dict[str, Any] = field(default_factory=dict)


def _create_wrong_host(host: str) -> Mistake:
    return Mistake((f"NEON_HOST={host}", "set it to {host}"), {"host": host})


def _create_missing(field_name: str, value: str, **overrides: Any) -> Mistake:
    return Mistake((value, f"NEON_{field_name.upper()}"), {field_name: value}, overrides=overrides)


MISTAKES = {
    "a key": Mistake(("NEON_API_KEY",), {"key": Secret("napi_thisonedoesnotfit")}, ALL),
    "a project": _create_missing("project_id", "shiny-wind-12345678"),
    "a project, forbidden": _create_missing(
        "project_id", "shiny-wind-12345678", foreign_status=403
    ),
    "a branch": _create_missing("branch_id", "br-shiny-wind-12345678"),
    "a branch, forbidden": _create_missing(
        "branch_id", "br-shiny-wind-12345678", foreign_status=403
    ),
    "a branch that only reads": Mistake(
        ("{branch}", "read-write compute"), modes=ALL, overrides={"read_write_compute": False}
    ),
    "a host of Neon's": _create_wrong_host("ep-cool-sun-12345678.eu-central-1.aws.neon.tech"),
    "an address": replace(_create_wrong_host("127.0.0.2"), modes=ALL),
    "another name of the host": _create_wrong_host("localhost"),
    "passwords that are not stored": Mistake(
        ("store", "password"), modes=SHARED, overrides={"store_passwords": False}
    ),
}


@pytest.mark.parametrize(
    ("mistake", "isolation"),
    [(name, mode) for name, mistake in MISTAKES.items() for mode in mistake.modes],
)
async def test_a_wrong_setting_is_reported_at_once(
    neon: RunningEmulator, mistake: str, isolation: Isolation
) -> None:
    """Warnings, such as that of an unclosed session, are errors."""
    case, clock = MISTAKES[mistake], FakeClock()
    with override_behaviour_now(neon, **case.overrides):
        async with no_changes(neon):
            error = await start_and_fail(neon, isolation, clock, **case.access)

    words = [word.format(host=neon.host, branch=neon.branch_id) for word in case.words]
    assert [word for word in words if word not in error] == []
    assert "napi_" not in error
    assert clock.slept == []


@pytest.mark.parametrize("isolation", ALL)
async def test_correct_settings_start_with_a_warning_if_not_isolated(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    settings = create_config(neon, isolation)
    with capture_logs() as logs:
        async with open_neon(settings) as provider:
            await provider.ping()

    assert neon.key not in repr(settings)
    warnings = [line for line in logs if line["event"] == "neon.no_isolation"]
    assert len(warnings) == (isolation is NONE)
    for warning in warnings:
        assert warning["log_level"] == "warning"
        assert "PGVEND_NEON_ISOLATION=role" in warning["detail"]


async def test_tenants_get_the_pooled_host_and_pgvend_uses_the_direct_one(
    neon: RunningEmulator,
) -> None:
    settings, provision_request = create_config(neon, ROLE), new_provision_request()
    async with (
        open_neon(replace(settings, access=replace(settings.access, host=POOLED))) as pooled,
        no_changes(neon),
    ):
        connection = await pooled.provision(provision_request)

        assert connection.host == POOLED
        assert await can_log_in(replace(connection, host=neon.host))
        await pooled.delete(provision_request.tenant)


async def test_isolation_by_project_needs_a_key_for_all_projects() -> None:
    async with running_emulator(middlewares=[_one_project_only]) as scoped:
        error = await start_and_fail(scoped, PROJECT)
        for isolation in SHARED:
            async with open_neon(create_config(scoped, isolation)) as provider:
                await provider.ping()

    assert "PGVEND_NEON_ISOLATION=project" in error
    assert "NEON_API_KEY" in error


@pytest.mark.parametrize(
    ("isolation", "version", "starts"),
    [(NONE, 14, True), (PROJECT, 14, True), (ROLE, 15, True), (ROLE, 14, False)],
)
async def test_isolation_by_role_needs_a_recent_postgresql(
    neon: RunningEmulator, isolation: Isolation, version: int, starts: bool
) -> None:
    before, neon.emulator.first.pg_version = neon.emulator.first.pg_version, version
    try:
        if starts:
            async with provider_on(neon, isolation) as provider:
                await provider.ping()
        else:
            error = await start_and_fail(neon, isolation)
            assert f"PostgreSQL {version}" in error
            assert "PGVEND_NEON_ISOLATION=role" in error
    finally:
        neon.emulator.first.pg_version = before


@web.middleware
async def _one_project_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Respond as for a key that is limited to one project."""
    if request.path == "/api/v2/projects":
        message = "not allowed to perform actions outside the project this key is scoped to"
        return web.json_response({"code": "", "message": message}, status=404)
    return await handler(request)
