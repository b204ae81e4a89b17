"""The service is killed in the middle; its next start goes on with what it had begun."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.orders import unique_name
from tests.support.places import session
from tests.support.polling import until
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.standstill import exists, no_new_databases, service_over

ASYNC = {"Prefer": "respond-async"}


async def test_a_promised_database_is_made_by_the_next_start(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with no_new_databases(server_15), service_over(server_15, tmp_path) as service:
        _, promised = await _asked(service, "POST", "", {"nickname": unique_name()}, ASYNC)
        await service.kill()
    async with service_over(server_15, tmp_path) as service:
        await _comes_to(service, promised, "ready")
        _, connection = await _asked(service, "GET", f"/{promised['id']}/connection")

    async with session({"dsn": connection["uri"]}) as tenant:
        assert await tenant.fetchval("SELECT current_database()") == promised["database"]


async def test_a_repeated_request_gets_what_the_killed_one_had_begun(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    order, key = {"nickname": unique_name()}, {"Idempotency-Key": unique_name()}
    async with no_new_databases(server_15), service_over(server_15, tmp_path) as service:
        _, promised = await _asked(service, "POST", "", order, ASYNC | key)
        await service.kill()
    async with service_over(server_15, tmp_path) as service:
        made = await _made(service, order, key)

    assert made["id"] == promised["id"]
    async with session({"dsn": made["connection"]["uri"]}) as tenant:
        assert await tenant.fetchval("SELECT current_user") == made["owner"]


async def test_what_nobody_can_come_back_for_is_undone_by_the_next_start(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with no_new_databases(server_15), service_over(server_15, tmp_path) as service:
        vending = asyncio.create_task(_asked(service, "POST", "", {"nickname": unique_name()}))
        await service.wrote("database.provisioning")
        await service.kill()
        with suppress(aiohttp.ClientError):
            await vending
    async with service_over(server_15, tmp_path) as service:
        _, page = await _asked(service, "GET", "")
        (left,) = page["databases"]
        await _comes_to(service, left, "failed")

    assert not await exists(server_15, left["database"])


async def test_a_deletion_is_finished_by_the_next_start(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_over(server_15, tmp_path) as service:
        _, database = await _asked(service, "POST", "", {"nickname": unique_name()})
        async with no_new_databases(server_15):  # and none that goes
            await _asked(service, "DELETE", f"/{database['id']}")
            await service.kill()
    async with service_over(server_15, tmp_path) as service:
        await _comes_to(service, database, "retired")

    assert not await exists(server_15, database["database"])


async def _made(service: RunningService, order: Any, key: Mapping[str, str]) -> Any:
    """What a client gets that repeats its request as long as it is told to."""
    status, made = 0, None

    async def is_answered() -> bool:
        nonlocal status, made
        status, made = await _asked(service, "POST", "", order, key)
        return status not in {409, 503}

    await until(is_answered)
    assert status == 201, made
    return made


async def _comes_to(service: RunningService, database: Any, state: str) -> None:
    async def has_come() -> bool:
        _, record = await _asked(service, "GET", f"/{database['id']}")
        return bool(record["state"] == state)

    await until(has_come)


async def _asked(
    service: RunningService,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(service.url) as client,
        client.request(
            method, f"/v1/databases{path}", json=body, headers=headers or {}
        ) as response,
    ):
        return response.status, await response.json()
