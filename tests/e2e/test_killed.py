"""The service is killed in the middle; its next start goes on with what it had begun."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.orders import unique_name
from tests.support.polling import until
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.serviced import (
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


async def test_what_was_begun_when_it_was_killed_is_finished_or_undone(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    """Promises are kept, a repeated request is answered, a deletion is done, the rest undone."""
    order, key = {"nickname": unique_name()}, {"Idempotency_Key": unique_name()}
    async with service_over(server_15, tmp_path) as service:
        dropped = await created(service)
        async with no_new_databases(server_15):  # and none that goes
            promised = await created(service, Prefer="respond-async")
            keyed = await asked(service, "POST", PATH, order, Prefer="respond-async", **key)
            await asked(service, "DELETE", f"{PATH}/{dropped['id']}")
            vending = asyncio.create_task(created(service))
            left = await _begun(service, {promised["id"], keyed["id"], dropped["id"]})
            await service.kill()
            with suppress(aiohttp.ClientError):
                await vending

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
    """The record of a vend that nobody can come back for, once there is one."""
    begun: list[Any] = []

    async def has_begun() -> bool:
        page = await asked(service, "GET", PATH)
        begun[:] = [one for one in page["databases"] if one["id"] not in others]
        return bool(begun)

    await until(has_begun)
    (left,) = begun
    return left


async def _answered_in_the_end(service: RunningService, order: Any, key: dict[str, str]) -> Any:
    """What a client gets that repeats its request as long as it is told to."""
    status, made = 0, None

    async def is_answered() -> bool:
        nonlocal status, made
        status, made = await answered(service, "POST", PATH, order, **key)
        return status not in {409, 503}

    await until(is_answered)
    assert status == 201, made
    return made
