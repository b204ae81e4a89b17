"""`pgvend neon-emulator` as a process."""

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest
from dotenv import dotenv_values

from tests.support.command_line import PATIENCE, PGVEND, plain_environment, run_pgvend
from tests.support.polling import wait_until

LAST_LINE = "NEON_API_KEY"


async def test_the_printed_settings_suffice_and_a_stop_leaves_nothing(
    tmp_path: Path,
) -> None:
    """Check also that the log contains no secret."""
    async with running_command("--operation-ms", "0", folder=tmp_path) as (process, settings):
        project = f"/projects/{settings['NEON_PROJECT_ID']}"
        branches = await send(settings, f"{project}/branches")
        names = "role_name=neondb_owner&database_name=neondb"
        path = f"{project}/connection_uri?branch_id={settings['NEON_BRANCH_ID']}&{names}"
        uri = (await send(settings, path))["uri"]
        session = await asyncpg.connect(uri)
        await session.close()
        created = await send(settings, "/projects", method="POST", body={"project": {}})
        log = await stop(process, tmp_path, signal.SIGTERM)

    assert branches["branches"][0]["id"] == settings["NEON_BRANCH_ID"]
    assert settings["NEON_HOST"] in uri
    secrets = [settings["NEON_API_KEY"], created["roles"][0]["password"]]
    assert not [secret for secret in secrets if secret in log]


async def test_settings_apply_and_two_signals_leave_nothing(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("project") / ".env"
    file.write_text("PORT=8001\n")
    options = ("--no-store-passwords", "--set", "roles_limit=0", "--write-env", str(file))
    async with running_command(*options, folder=tmp_path) as (process, settings):
        assert dotenv_values(file) == {"PORT": "8001", **settings}
        branch = f"/projects/{settings['NEON_PROJECT_ID']}/branches/{settings['NEON_BRANCH_ID']}"
        role = {"role": {"name": "one"}}
        created = await send(settings, f"{branch}/roles", method="POST", body=role)
        revealed = await send(settings, f"{branch}/roles/neondb_owner/reveal_password")
        await stop(process, tmp_path, signal.SIGINT, signal.SIGINT)

    assert created["code"] == "ROLES_LIMIT_EXCEEDED"
    assert revealed["message"] == "Storing passwords is disabled"


async def test_a_stop_during_startup_leaves_nothing(tmp_path: Path) -> None:
    async with starting_command(folder=tmp_path) as process:
        await wait_until(lambda: list_names(tmp_path, "pgvend-neon-*/template"))
        process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), PATIENCE)

    assert status == 0
    assert list_names(tmp_path) == []


async def test_an_unknown_setting_a_used_port_and_a_missing_folder_are_named() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        setting, port_in_use, no_folder = await asyncio.gather(
            run_pgvend("neon-emulator", "--set", "no_such=1"),
            run_pgvend("neon-emulator", "--port", str(port)),
            run_pgvend("neon-emulator", "--port", "0", "--write-env", "/no/such/.env"),
        )

    assert (setting.status, port_in_use.status, no_folder.status) == (1, 1, 1)
    assert "/no/such/.env cannot be written" in no_folder.stderr
    assert "no_such" in setting.stderr
    assert "operation_seconds" in setting.stderr
    assert f"port {port}" in port_in_use.stderr


@asynccontextmanager
async def running_command(
    *arguments: str, folder: Path | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """Run the command. Yield its process and the settings that it prints."""
    async with starting_command(*arguments, folder=folder) as process:
        settings: dict[str, str] = {}
        assert process.stdout
        while LAST_LINE not in settings:
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
            assert line, "the process ended"
            settings |= dict(re.findall(r"^(NEON_\w+)=(\S+)$", line))
        yield process, settings


@asynccontextmanager
async def starting_command(
    *arguments: str, folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(*PGVEND, "neon-emulator", "--port", "0", *arguments),
        cwd="/",
        env=plain_environment(TMPDIR=str(folder or tempfile.gettempdir())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def stop(process: asyncio.subprocess.Process, folder: Path, *signals: signal.Signals) -> str:
    """Stop the process and check that nothing remains. Return its log."""
    children = psutil.Process(process.pid).children(recursive=True)
    for number in signals:
        process.send_signal(number)
    _, log = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert children
    assert not any(child.is_running() for child in children)
    assert list_names(folder) == []
    return log.decode()


def list_names(folder: Path, pattern: str = "*") -> list[str]:
    return [path.name for path in folder.glob(pattern)]


async def send(
    settings: dict[str, str], path: str, method: str = "GET", body: object = None
) -> Any:
    headers = {"Authorization": f"Bearer {settings['NEON_API_KEY']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, settings["NEON_API_URL"] + path, json=body) as response,
    ):
        return await response.json()
