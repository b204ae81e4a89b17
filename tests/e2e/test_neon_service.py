"""`pgvend serve` over Neon, started with the four variables of the original service."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.neon.emulator import RunningEmulator
from tests.support.pooled_apps import create_claimed_database, wait_until_service_is_filled
from tests.support.service import NotStarted, running_service
from tests.support.service_client import (
    PATH,
    create_by_legacy_route,
    create_database,
    delete_database,
    query_owner,
    request_json,
)


def variables(neon: RunningEmulator, **more: str) -> dict[str, Any]:
    return {
        "NEON_PROJECT_ID": neon.project_id,
        "NEON_BRANCH_ID": neon.branch_id,
        "NEON_HOST": neon.host,
        "NEON_API_KEY": neon.key,
        "NEON_API_URL": neon.url,
        **more,
    }


MODES: dict[str, dict[str, str]] = {
    "role": {},  # the default of the four variables
    "none": {"PGVEND_NEON_ISOLATION": "none"},
    "project": {"PGVEND_NEON_ISOLATION": "project"},
}


@pytest.mark.parametrize("mode", MODES)
async def test_both_routes_return_working_credentials(
    neon: RunningEmulator, tmp_path: Path, mode: str
) -> None:
    settings = variables(neon, **MODES[mode])
    async with running_service(tmp_path, **settings) as service:
        new, old = await create_database(service), await create_by_legacy_route(service)

        assert (new["provider"], new["isolation"]) == ("neon", mode)
        assert await query_owner(new) == new["owner"]
        assert await query_owner(old) == old["database_owner"]
        assert ("neon.no_isolation" in service.output()) == (mode == "none")
        for database in (await request_json(service, "GET", PATH))["databases"]:
            await delete_database(service, database)
        assert await service.stop() == 0
    assert new["owner"] not in await neon.client.names("roles")


@pytest.mark.parametrize(("mode", "names"), [("role", "nickname"), ("project", "opaque")])
async def test_spares_are_claimed_in_each_mode_that_has_them(
    neon: RunningEmulator, tmp_path: Path, mode: str, names: str
) -> None:
    chosen = {"PGVEND_SPARES": "default=1", "PGVEND_NAMES": names}
    async with running_service(tmp_path, **variables(neon, **MODES[mode], **chosen)) as service:
        await wait_until_service_is_filled(service)
        claimed = await create_claimed_database(service)
        assert await query_owner(claimed) == claimed["owner"]
        assert (claimed["database"] == claimed["id"]) is (names == "opaque")
        await delete_database(service, claimed)
    assert claimed["owner"] not in await neon.client.names("roles")


async def test_a_wrong_project_fails_startup(neon: RunningEmulator, tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="NEON_PROJECT_ID") as refused:
        async with running_service(tmp_path, **variables(neon) | {"NEON_PROJECT_ID": "other-1"}):
            pass
    assert neon.key not in str(refused.value)
    assert "Traceback" not in str(refused.value)
