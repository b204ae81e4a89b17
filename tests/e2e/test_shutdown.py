"""On shutdown the service completes running requests and exits."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from tests.support.command_line import plain_environment
from tests.support.servers import OperatorsServer
from tests.support.service_client import (
    PATH,
    blocked_create_database,
    create_by_legacy_route,
    create_database,
    database_exists,
    query_owner,
    request_json,
    running_service_over,
)


async def test_sigterm_completes_running_requests(
    server_15: OperatorsServer, tmp_path: Path
) -> None:
    async with running_service_over(server_15, tmp_path) as service:
        dropped = await create_database(service)
        async with blocked_create_database(server_15):  # and no deletion completes
            await request_json(service, "DELETE", f"{PATH}/{dropped['id']}")
            creations = [
                asyncio.create_task(way(service))
                for way in (create_database, create_by_legacy_route)
            ]
            await service.wait_for_output(r"(?s)(database\.provisioning.*){3}")
            service.process.terminate()
            await _wait_until_closed(urlsplit(service.url).port)
        answers = await asyncio.gather(*creations)

        assert await service.process.wait() == 0
        assert '"event": "database.deleted"' in service.output()

    assert [await query_owner(answer) for answer in answers] == [
        answers[0]["owner"],
        answers[1]["database_owner"],
    ]
    assert not await database_exists(server_15, dropped["database"])


async def test_ctrl_c_in_a_terminal_exits_quietly(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *_terminal_command(),
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
    assert b"\x1b[31mred" not in output, "callers must not write control codes into the terminal"
    assert b"GET /fake%1B%5B31mred 404" in output
    assert b'"event"' not in output, "a terminal gets plain lines"


def _terminal_command() -> tuple[str, ...]:
    code = (
        "import os, pty, sys;"
        "command = [sys.executable, '-m', 'entrypoints', 'serve'];"
        "sys.exit(os.waitstatus_to_exitcode(pty.spawn(command)))"
    )
    return (sys.executable, "-c", code)


async def _wait_until_closed(port: int | None) -> None:
    with suppress(ConnectionRefusedError, ConnectionResetError):  # or while it closes
        async with asyncio.timeout(60):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.02)
