"""`pgvend serve` with its defaults, over the bundled PostgreSQL."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.support.command_line import find_program, run_program
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import (
    PATH,
    create_by_legacy_route,
    create_database,
    login_from_answer,
    password_from_answer,
    query_owner,
)

CALLERS = 50


async def test_the_banner_shows_the_url_and_the_provider(service: RunningService) -> None:
    output = service.output()
    assert f"pgvend serves {service.url}\n" in output
    assert f"  console      {service.url}/\n" in output
    assert "  provider     embedded\n" in output
    assert f"  data folder  {service.data_dir.resolve()}\n" in output
    assert f"  records      {service.data_dir.resolve() / 'registry.sqlite3'}\n" in output


async def test_the_printed_example_works_when_pasted(service: RunningService) -> None:
    find_program("curl")
    example = (await service.wait_for_output(r"try +(curl .*)\n"))[1]
    shell = await run_program("bash", "-c", f"{example} --silent --show-error --fail")
    assert shell.status == 0, shell.stderr
    assert await query_owner(json.loads(shell.stdout)) == json.loads(shell.stdout)["owner"]


async def test_fifty_concurrent_creations_are_fifty_working_databases(
    service: RunningService,
) -> None:
    timeout, connector = aiohttp.ClientTimeout(total=120), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.url, timeout=timeout, connector=connector) as client:
        databases = await asyncio.gather(*(_create_concurrently(client) for _ in range(CALLERS)))

    for part in ("database", "user", "password"):
        assert len({one["connection"][part] for one in databases}) == CALLERS
    for one, neighbour in zip(databases, databases[1:] + databases[:1], strict=True):
        assert await query_owner(one) == one["connection"]["user"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                **login_from_answer(one), password=password_from_answer(neighbour)
            )


async def test_a_restart_keeps_databases_credentials_and_idempotency_keys() -> None:
    key = {"Idempotency_Key": "a key"}
    with ram_folder() as folder:
        async with running_service(folder / "data") as first:
            databases = await create_database(first, "kept", **key)
            assert await first.stop() == 0
        async with running_service(folder / "data") as second:
            assert await query_owner(databases) == databases["owner"]
            assert await create_database(second, "kept", **key) == databases
            assert await second.stop() == 0


async def test_every_line_of_the_log_is_json(service: RunningService) -> None:
    await create_database(service)
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/no%0Awhere"):
        pass

    lines = service.output().splitlines()
    banner = [line for line in lines if line.startswith(("pgvend serves", "  "))]
    events = [json.loads(line) for line in lines if line not in banner]

    assert len(banner) == 6
    assert {"http.request", "provider.provision", "database.ready"} <= {
        event["event"] for event in events
    }
    assert all({"level", "timestamp"} <= event.keys() for event in events)


async def test_in_memory_with_a_secret_no_folder_is_created(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_service(folder, PGVEND_PROVIDER="memory", PGVEND_SECRET="s" * 32) as service:
        assert "  provider     memory\n" in service.output()
        assert await create_database(service)
        assert await create_by_legacy_route(service)
        assert await service.stop() == 0

    assert not folder.exists()


async def _create_concurrently(client: aiohttp.ClientSession) -> Any:
    async with client.post(PATH, json={"nickname": "Fifty at once"}) as response:
        assert response.status == 201, await response.text()
        return await response.json()
