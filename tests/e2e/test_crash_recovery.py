"""The service is killed during operations; its next start completes or undoes them."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.service_client import (
    PATH,
    blocked_create_database,
    create_database,
    database_exists,
    query_owner,
    request_json,
    reveal_connection,
    running_service_over,
    send_request,
    wait_for_state,
)


async def test_operations_of_a_killed_service_are_completed_or_undone(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    """Asynchronous and keyed creations and deletions complete; others are undone."""
    body, key = {"nickname": unique_name()}, {"Idempotency_Key": unique_name()}
    async with running_service_over(server_15, tmp_path) as service:
        dropped = await create_database(service)
        async with blocked_create_database(server_15):  # and no deletion completes
            promised = await create_database(service, Prefer="respond-async")
            interrupted = await request_json(
                service, "POST", PATH, body, Prefer="respond-async", **key
            )
            await request_json(service, "DELETE", f"{PATH}/{dropped['id']}")
            creation = asyncio.create_task(create_database(service))
            unfinished_record = await _wait_for_unfinished_record(
                service, {promised["id"], interrupted["id"], dropped["id"]}
            )
            await service.kill()
            with suppress(aiohttp.ClientError):
                await creation

    async with running_service_over(server_15, tmp_path) as service:
        database = await _retry_until_answered(service, body, key)
        assert database["id"] == interrupted["id"]
        assert await query_owner(database) == database["owner"]
        await wait_for_state(service, promised, "ready")
        connection = await reveal_connection(service, promised)
        assert await query_owner({"connection": connection}) == promised["owner"]
        await wait_for_state(service, unfinished_record, "failed")
        await wait_for_state(service, dropped, "deleted")

    for database in (unfinished_record, dropped):
        assert not await database_exists(server_15, database["database"])


async def _wait_for_unfinished_record(service: RunningService, others: set[str]) -> Any:
    """Return the record of the creation that no caller can retry, once it exists."""
    unfinished: list[Any] = []

    async def has_started() -> bool:
        page = await request_json(service, "GET", PATH)
        unfinished[:] = [one for one in page["databases"] if one["id"] not in others]
        return bool(unfinished)

    await wait_until(has_started)
    (unfinished_record,) = unfinished
    return unfinished_record


async def _retry_until_answered(service: RunningService, body: Any, key: dict[str, str]) -> Any:
    """Repeat the request until the service no longer asks to retry."""
    status, database = 0, None

    async def is_answered() -> bool:
        nonlocal status, database
        status, database = await send_request(service, "POST", PATH, body, **key)
        return status not in {409, 503}

    await wait_until(is_answered)
    assert status == 201, database
    return database
