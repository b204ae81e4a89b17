"""Doctor checks of a Neon project and its branch."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import unused_port

from adapters.neon.doctor import NeonExamination, room_on
from adapters.postgres.doctor.marks import Known
from domain.doctor import Outcome
from domain.secrets import Secret
from domain.targets import Isolation
from ports.use_cases.run_doctor import Examine
from tests.support.clock import FakeClock
from tests.support.doctor import FAIL, KNOWN, OK, UNKNOWN, WARN, not_ok
from tests.support.neon.checks import left_as_it_was, turned
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import settings_on, vending_on
from tests.support.provision_requests import new_order

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])

AS_IT_COMES = {
    NONE: {"isolation": WARN},
    ROLE: {"open databases": FAIL, "template1": UNKNOWN},
    PROJECT: {},
}
"""All roles may log in to the database that a new branch has."""


@pytest.fixture(scope="module")
async def neon() -> AsyncIterator[RunningEmulator]:
    """A separate emulator: databases of other tests on a shared branch would be reported too."""
    async with running_emulator() as running:
        yield running


@ALL
async def test_findings_for_a_new_project(neon: RunningEmulator, isolation: Isolation) -> None:
    async with left_as_it_was(neon):
        found = await _examined(neon, isolation)

    assert not_ok(found) == AS_IT_COMES[isolation]
    assert neon.key not in repr(found)


async def test_the_admin_can_apply_fixes_for_open_databases(neon: RunningEmulator) -> None:
    before = (await _examined(neon, ROLE))["open databases"]
    async with neon.session() as admin:
        try:
            for mend in before.mends:
                assert mend.by_admin
                await admin.execute(mend.statement)
            again = (await _examined(neon, ROLE))["open databases"]
        finally:
            await admin.execute("GRANT CONNECT, TEMPORARY ON DATABASE neondb TO PUBLIC")

    assert again.verdict is OK


@ALL
async def test_databases_are_reported_by_installation(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    lost = Known(installation="another", recorded={order.tenant.id})
    async with vending_on(neon, isolation) as provider:
        await provider.provision(order)
        found = [
            (await _examined(neon, isolation, known=known))["marks"].verdict
            for known in (KNOWN, Known(installation="another"), lost)
        ]
        await provider.delete(order.tenant)

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
    found = await _examined(neon, isolation, **wrong)

    assert found["neon"].verdict is FAIL
    assert setting in found["neon"].detail
    assert "napi_thisonedoesnotfit" not in repr(found)


@pytest.mark.parametrize(("number", "verdict"), [(449, OK), (450, WARN), (499, WARN), (500, FAIL)])
def test_a_branch_near_its_limit_is_reported(number: int, verdict: object) -> None:
    assert room_on(number).verdict is verdict


async def test_missing_password_storage_is_reported(neon: RunningEmulator) -> None:
    with turned(neon, store_passwords=False):
        found = await _examined(neon, ROLE)

    assert found["branch"].verdict is OK
    assert "stored passwords" in found["neon"].detail


async def _examined(
    neon: RunningEmulator, isolation: Isolation, *, known: Known = KNOWN, **wrong: Any
) -> Mapping[str, Outcome]:
    async def recall() -> Known:
        return known

    settings = settings_on(neon, isolation, log=structlog.get_logger())
    if wrong:  # no real waiting until retries end
        place = replace(settings.place, **wrong)
        settings = replace(settings, place=place, clock=FakeClock())
    examine = Examine(parts={"neon": NeonExamination(neon=settings, recall=recall)})
    return {check.name: check.outcome for check in await examine()}
