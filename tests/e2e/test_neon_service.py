"""`pgvend serve` over Neon, started as the original service was: with its four variables."""

from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.support.neon.emulator import RunningEmulator
from tests.support.orders import unique_name
from tests.support.polling import until
from tests.support.service import NotStarted, running_service

MODES = ["none", "role", "project"]


def variables(neon: RunningEmulator, **more: str) -> dict[str, Any]:
    return {
        "NEON_PROJECT_ID": neon.project_id,
        "NEON_BRANCH_ID": neon.branch_id,
        "NEON_HOST": neon.host,
        "NEON_API_KEY": neon.key,
        "NEON_API_URL": neon.url,
        **more,
    }


async def test_the_four_variables_are_enough(neon: RunningEmulator, tmp_path: Path) -> None:
    async with (
        running_service(tmp_path, **variables(neon)) as service,
        aiohttp.ClientSession(service.url) as client,
    ):
        database = await _vended(client)

        assert (database["provider"], database["isolation"]) == ("neon", "role")
        await _deleted(client, database)
        assert await service.stop() == 0


@pytest.mark.parametrize("mode", MODES)
async def test_both_routes_hand_out_what_the_api_knows_too(
    neon: RunningEmulator, tmp_path: Path, mode: str
) -> None:
    settings = variables(neon, PGVEND_NEON_ISOLATION=mode, PGVEND_LOG_LEVEL="debug")
    async with (
        running_service(tmp_path, **settings) as service,
        aiohttp.ClientSession(service.url) as client,
    ):
        new = await _vended(client)
        old = await _posted(client, "/api/create-neon-db", {"project": {"name": unique_name()}})

        assert new["isolation"] == mode
        await _is_owned_by(new["connection"]["uri"], new["owner"])
        await _is_owned_by(_uri(old), old["database_owner"])
        secrets = (
            neon.key,
            new["connection"]["password"],
            old["database_owner_password"],
        )
        assert not [secret for secret in secrets if secret in service.output()]
        for database in await _listed(client):
            await _deleted(client, database)
    assert new["owner"] not in await neon.client.names("roles")


async def test_a_mode_without_isolation_is_warned_about(
    neon: RunningEmulator, tmp_path: Path
) -> None:
    async with running_service(
        tmp_path, **variables(neon, PGVEND_NEON_ISOLATION="none")
    ) as service:
        assert "neon.no_isolation" in service.output()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("NEON_API_KEY", "napi_wrong", "NEON_API_KEY"),
        ("NEON_PROJECT_ID", "other-project-1", "NEON_PROJECT_ID"),
        ("NEON_BRANCH_ID", "br-other-1", "NEON_BRANCH_ID"),
        ("NEON_HOST", "ep-other-1.neon.tech", "NEON_HOST"),
        ("NEON_API_URL", "http://127.0.0.1:1/api/v2", "NEON_API_URL"),
    ],
)
async def test_what_does_not_fit_is_said_before_anything_is_served(
    neon: RunningEmulator, tmp_path: Path, variable: str, value: str, told: str
) -> None:
    with pytest.raises(NotStarted, match=told) as refused:
        async with running_service(tmp_path, **{**variables(neon), variable: value}):
            pass
    assert neon.key not in str(refused.value)
    assert "Traceback" not in str(refused.value)


async def _vended(client: aiohttp.ClientSession) -> Any:
    return await _posted(client, "/v1/databases", {"nickname": unique_name()})


async def _posted(client: aiohttp.ClientSession, path: str, body: object) -> Any:
    async with client.post(path, json=body) as response:
        assert response.status in {200, 201}, await response.text()
        return await response.json()


async def _listed(client: aiohttp.ClientSession) -> Any:
    async with client.get("/v1/databases") as response:
        return (await response.json())["databases"]


async def _deleted(client: aiohttp.ClientSession, database: Any) -> None:
    address = f"/v1/databases/{database['id']}"

    async def is_retired() -> bool:
        async with client.get(address) as shown:
            return bool((await shown.json())["state"] == "retired")

    async with client.delete(address) as response:
        assert response.status == 202
    await until(is_retired)


async def _is_owned_by(uri: str, owner: str) -> None:
    session = await asyncpg.connect(uri)
    try:
        await session.execute("CREATE TABLE orders (id int)")
        assert await session.fetchval("SELECT current_user") == owner
    finally:
        await session.close()


def _uri(old: Any) -> str:
    return (
        f"postgresql://{old['database_owner']}:{old['database_owner_password']}"
        f"@{old['hostname']}:{old['port']}/{old['database_name']}?sslmode=disable"
    )
