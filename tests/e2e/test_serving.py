"""`pgvend serve` with its defaults, over the bundled PostgreSQL."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.support.command_line import program, ran
from tests.support.servers import ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import (
    PATH,
    created,
    created_by_legacy,
    login_of,
    owner_by,
    password_of,
)

CALLERS = 50


async def test_the_banner_shows_the_url_and_the_provider(service: RunningService) -> None:
    output = service.output()
    assert f"pgvend serves {service.url}\n" in output
    assert "  provider     embedded\n" in output
    assert f"  data folder  {service.data_dir.resolve()}\n" in output
    assert f"  records      {service.data_dir.resolve() / 'registry.sqlite3'}\n" in output


async def test_the_printed_example_works_when_pasted(service: RunningService) -> None:
    program("curl")
    pasted = (await service.wrote(r"try +(curl .*)\n"))[1]
    shell = await ran("bash", "-c", f"{pasted} --silent --show-error --fail")
    assert shell.status == 0, shell.stderr
    assert await owner_by(json.loads(shell.stdout)) == json.loads(shell.stdout)["owner"]


async def test_fifty_concurrent_creations_are_fifty_working_databases(
    service: RunningService,
) -> None:
    timeout, connector = aiohttp.ClientTimeout(total=120), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.url, timeout=timeout, connector=connector) as client:
        made = await asyncio.gather(*(_fiftieth(client) for _ in range(CALLERS)))

    for part in ("database", "user", "password"):
        assert len({one["connection"][part] for one in made}) == CALLERS
    for one, neighbour in zip(made, made[1:] + made[:1], strict=True):
        assert await owner_by(one) == one["connection"]["user"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**login_of(one), password=password_of(neighbour))


async def test_a_restart_keeps_databases_credentials_and_idempotency_keys() -> None:
    key = {"Idempotency_Key": "a key"}
    with ram_folder() as folder:
        async with running_service(folder / "data") as first:
            made = await created(first, "kept", **key)
            assert await first.stop() == 0
        async with running_service(folder / "data") as second:
            assert await owner_by(made) == made["owner"]
            assert await created(second, "kept", **key) == made
            assert await second.stop() == 0


async def test_every_line_of_the_log_is_json(service: RunningService) -> None:
    await created(service)
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/no%0Awhere"):
        pass

    lines = service.output().splitlines()
    banner = [line for line in lines if line.startswith(("pgvend serves", "  "))]
    events = [json.loads(line) for line in lines if line not in banner]

    assert len(banner) == 5
    assert {"http.request", "provider.provision", "database.ready"} <= {
        event["event"] for event in events
    }
    assert all({"level", "timestamp"} <= event.keys() for event in events)


async def test_in_memory_with_a_secret_no_folder_is_created(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_service(folder, PGVEND_PROVIDER="memory", PGVEND_SECRET="s" * 32) as service:
        assert "  provider     memory\n" in service.output()
        assert await created(service)
        assert await created_by_legacy(service)
        assert await service.stop() == 0

    assert not folder.exists()


async def _fiftieth(client: aiohttp.ClientSession) -> Any:
    async with client.post(PATH, json={"nickname": "Fifty at once"}) as response:
        assert response.status == 201, await response.text()
        return await response.json()
