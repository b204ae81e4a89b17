"""Doctor checks of a Neon project and its branch."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import unused_port

from adapters.neon.doctor import NeonDoctorChecks, assess_capacity
from adapters.postgres.doctor.context import LocalState
from domain.doctor import Outcome
from domain.secrets import Secret
from domain.targets import Isolation
from ports.use_cases.run_doctor import RunDoctor
from tests.support.clock import FakeClock
from tests.support.doctor import FAIL, LOCAL_STATE, OK, UNKNOWN, WARN, select_not_ok
from tests.support.neon.checks import no_changes
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now, running_emulator
from tests.support.neon.providers import create_config, provider_on
from tests.support.provision_requests import new_provision_request

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])

NEW_PROJECT_FINDINGS = {
    NONE: {"isolation": WARN},
    ROLE: {"open databases": FAIL, "template1": UNKNOWN},
    PROJECT: {},
}
"""A new branch has a database that all roles may log in to."""


@pytest.fixture(scope="module")
async def neon() -> AsyncIterator[RunningEmulator]:
    """A separate emulator: databases of other tests on a shared branch would be reported too."""
    async with running_emulator() as running:
        yield running


@ALL
async def test_findings_for_a_new_project(neon: RunningEmulator, isolation: Isolation) -> None:
    async with no_changes(neon):
        found = await _run_checks(neon, isolation)

    assert select_not_ok(found) == NEW_PROJECT_FINDINGS[isolation]
    assert neon.key not in repr(found)


async def test_the_admin_can_apply_fixes_for_open_databases(neon: RunningEmulator) -> None:
    before = (await _run_checks(neon, ROLE))["open databases"]
    async with neon.session() as admin:
        try:
            for fix in before.fixes:
                assert fix.by_admin
                await admin.execute(fix.statement)
            again = (await _run_checks(neon, ROLE))["open databases"]
        finally:
            await admin.execute("GRANT CONNECT, TEMPORARY ON DATABASE neondb TO PUBLIC")

    assert again.verdict is OK


@ALL
async def test_databases_are_reported_by_installation(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = new_provision_request()
    lost = LocalState(installation="another", record_ids={provision_request.tenant.id})
    async with provider_on(neon, isolation) as provider:
        await provider.provision(provision_request)
        found = [
            (await _run_checks(neon, isolation, local_state=local_state))["marks"].verdict
            for local_state in (LOCAL_STATE, LocalState(installation="another"), lost)
        ]
        await provider.delete(provision_request.tenant)

    assert found == [OK, WARN, FAIL]


@ALL
@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"key": Secret("napi_thisonedoesnotfit")}, "NEON_API_KEY"),
        ({"project_id": "shiny-wind-12345678"}, "NEON_PROJECT_ID"),
        ({"branch_id": "br-shiny-wind-12345678"}, "NEON_BRANCH_ID"),
        ({"host": "localhost"}, "NEON_HOST"),
        ({"api_url": f"http://127.0.0.1:{unused_port()}/api/v2"}, "NEON_API_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_setting_is_named(
    neon: RunningEmulator, isolation: Isolation, wrong: Any, setting: str
) -> None:
    found = await _run_checks(neon, isolation, **wrong)

    assert found["neon"].verdict is FAIL
    assert setting in found["neon"].detail
    assert "napi_thisonedoesnotfit" not in repr(found)


@pytest.mark.parametrize(("number", "verdict"), [(449, OK), (450, WARN), (499, WARN), (500, FAIL)])
def test_a_branch_near_its_limit_is_reported(number: int, verdict: object) -> None:
    assert assess_capacity(number).verdict is verdict


async def test_missing_password_storage_is_reported(neon: RunningEmulator) -> None:
    with override_behaviour_now(neon, store_passwords=False):
        found = await _run_checks(neon, ROLE)

    assert found["branch"].verdict is OK
    assert "stored passwords" in found["neon"].detail


async def _run_checks(
    neon: RunningEmulator,
    isolation: Isolation,
    *,
    local_state: LocalState = LOCAL_STATE,
    **wrong: Any,
) -> Mapping[str, Outcome]:
    async def load_local_state() -> LocalState:
        return local_state

    settings = create_config(neon, isolation, log=structlog.get_logger())
    if wrong:  # no real waiting until retries end
        access = replace(settings.access, **wrong)
        settings = replace(settings, access=access, clock=FakeClock())
    run_checks = RunDoctor(
        parts={"neon": NeonDoctorChecks(neon=settings, load_local_state=load_local_state)}
    )
    return {check.name: check.outcome for check in await run_checks()}
