"""The service is killed during operations; its next start completes or undoes them."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.polling import until
from tests.support.provision_requests import unique_name
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.service_client import (
    PATH,
    answered,
    asked,
    comes_to,
    connection_of,
    created,
    exists,
    no_new_databases,
    owner_by,
    service_over,
)


async def test_operations_of_a_killed_service_are_completed_or_undone(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    """Asynchronous and keyed creations and deletions complete; others are undone."""
    order, key = {"nickname": unique_name()}, {"Idempotency_Key": unique_name()}
    async with service_over(server_15, tmp_path) as service:
        dropped = await created(service)
        async with no_new_databases(server_15):  # and no deletion completes
            promised = await created(service, Prefer="respond-async")
            keyed = await asked(service, "POST", PATH, order, Prefer="respond-async", **key)
            await asked(service, "DELETE", f"{PATH}/{dropped['id']}")
            creation = asyncio.create_task(created(service))
            left = await _begun(service, {promised["id"], keyed["id"], dropped["id"]})
            await service.kill()
            with suppress(aiohttp.ClientError):
                await creation

    async with service_over(server_15, tmp_path) as service:
        made = await _answered_in_the_end(service, order, key)
        assert made["id"] == keyed["id"]
        assert await owner_by(made) == made["owner"]
        await comes_to(service, promised, "ready")
        connection = await connection_of(service, promised)
        assert await owner_by({"connection": connection}) == promised["owner"]
        await comes_to(service, left, "failed")
        await comes_to(service, dropped, "deleted")

    for gone in (left, dropped):
        assert not await exists(server_15, gone["database"])


async def _begun(service: RunningService, others: set[str]) -> Any:
    """Return the record of the creation that no caller can retry, once it exists."""
    begun: list[Any] = []

    async def has_begun() -> bool:
        page = await asked(service, "GET", PATH)
        begun[:] = [one for one in page["databases"] if one["id"] not in others]
        return bool(begun)

    await until(has_begun)
    (left,) = begun
    return left


async def _answered_in_the_end(service: RunningService, order: Any, key: dict[str, str]) -> Any:
    """Repeat the request until the service no longer asks to retry."""
    status, made = 0, None

    async def is_answered() -> bool:
        nonlocal status, made
        status, made = await answered(service, "POST", PATH, order, **key)
        return status not in {409, 503}

    await until(is_answered)
    assert status == 201, made
    return made
