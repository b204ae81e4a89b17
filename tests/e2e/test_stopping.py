"""Told to stop, the service finishes what it has begun, and leaves."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from adapters.memory.provider import MemoryProvider
from tests.support.apps import running_app
from tests.support.command_line import plain_environment
from tests.support.orders import unique_name
from tests.support.servers import OperatorsServer
from tests.support.service import RunningService
from tests.support.standstill import exists, no_new_databases, service_over
from tests.support.trouble import Gate


@pytest.mark.parametrize("path", ["/v1/databases", "/api/create-neon-db"])
async def test_sigterm_lets_a_running_vend_finish(
    server_15: OperatorsServer, tmp_path: Path, path: str
) -> None:
    async with service_over(server_15, tmp_path) as service:
        async with no_new_databases(server_15):
            vending = asyncio.create_task(_vended(service, path))
            await service.wrote("database.provisioning")
            service.process.terminate()
            await _no_longer_listening(urlsplit(service.url).port)
        answer = await vending

        assert await service.process.wait() == 0
        assert '"event": "database.ready"' in service.output()

    session = await asyncpg.connect(**_login(answer))
    try:
        assert await session.fetchval("SELECT 1") == 1
    finally:
        await session.close()


async def test_sigterm_lets_a_running_deletion_finish(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with service_over(server_15, tmp_path) as service:
        database = await _vended(service, "/v1/databases")
        async with no_new_databases(server_15):  # and none that goes
            async with aiohttp.ClientSession(service.url) as client:
                await client.delete(f"/v1/databases/{database['id']}")
            service.process.terminate()
            await _no_longer_listening(urlsplit(service.url).port)

        assert await service.process.wait() == 0
        assert '"event": "database.retired"' in service.output()

    assert not await exists(server_15, database["database"])


async def test_a_deletion_is_finished_before_the_provider_is_closed() -> None:
    gate = Gate("before retire")
    provider = MemoryProvider(trouble=gate)
    async with running_app(provider) as app:
        database = await app.vend()
        async with app.client.delete(f"/v1/databases/{database['id']}"):
            await gate.reached.wait()
        opening = asyncio.create_task(_opened_once_deaf(gate, app.port))
    left = await provider.inventory()
    await opening

    assert left == []


async def test_ctrl_c_in_a_terminal_ends_it_quietly(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *_in_a_terminal(),
        cwd="/",
        env=plain_environment(PORT="0", PGVEND_PROVIDER="memory", PGVEND_DATA_DIR=str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            url = (await process.stdout.readuntil(b"\n")).split()[-1].decode()
            async with aiohttp.ClientSession(url) as client, client.get("/fake%1b[31mred"):
                pass
            process.stdin.write(b"\x03")
            output = await process.stdout.read()
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert status == 0
    assert b"Traceback" not in output
    assert b"\x1b[31mred" not in output, "a caller writes into the operator's terminal"
    assert b"http.request" in output
    assert b'"event"' not in output, "JSON is for machines"


def _in_a_terminal() -> tuple[str, ...]:
    code = (
        "import os, pty, sys;"
        "command = [sys.executable, '-m', 'entrypoints', 'serve'];"
        "sys.exit(os.waitstatus_to_exitcode(pty.spawn(command)))"
    )
    return (sys.executable, "-c", code)


async def _vended(service: RunningService, path: str) -> Any:
    name = unique_name()
    body = {"nickname": name} if "v1" in path else {"project": {"name": name}}
    async with (
        aiohttp.ClientSession(service.url) as client,
        client.post(path, json=body) as response,
    ):
        assert response.ok, await response.text()
        return await response.json()


def _login(answer: Any) -> dict[str, Any]:
    if "connection" in answer:
        return {"dsn": answer["connection"]["uri"]}
    return {
        "host": answer["hostname"],
        "port": answer["port"],
        "user": answer["database_owner"],
        "password": answer["database_owner_password"],
        "database": answer["database_name"],
    }


async def _opened_once_deaf(gate: Gate, port: int) -> None:
    await _no_longer_listening(port)
    gate.open()


async def _no_longer_listening(port: int | None) -> None:
    with suppress(ConnectionRefusedError, ConnectionResetError):  # or amid the closing
        async with asyncio.timeout(60):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.02)
