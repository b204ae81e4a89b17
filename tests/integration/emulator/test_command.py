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

from tests.support.bundles import until
from tests.support.command_line import PATIENCE, PGVEND, pgvend, plain_environment

LAST_LINE = "NEON_API_KEY"


async def test_what_it_prints_is_enough_to_use_it() -> None:
    async with emulator() as (_, settings):
        body = await answered(settings, f"/projects/{settings['NEON_PROJECT_ID']}/branches")
        uri = await answered(
            settings,
            f"/projects/{settings['NEON_PROJECT_ID']}/connection_uri"
            f"?branch_id={settings['NEON_BRANCH_ID']}"
            "&role_name=neondb_owner&database_name=neondb",
        )
        session = await asyncpg.connect(uri["uri"])
        await session.close()

    assert body["branches"][0]["id"] == settings["NEON_BRANCH_ID"]
    assert settings["NEON_HOST"] in uri["uri"]


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGTERM)],
    ids=["once", "by Ctrl-C", "twice"],
)
async def test_told_to_stop_it_leaves_nothing(
    signals: tuple[signal.Signals, ...], tmp_path: Path
) -> None:
    async with emulator(folder=tmp_path) as (process, _):
        children = psutil.Process(process.pid).children(recursive=True)
        for number in signals:
            process.send_signal(number)
        status = await asyncio.wait_for(process.wait(), PATIENCE)

    assert status == 0
    assert children
    assert not any(child.is_running() for child in children)
    assert names_in(tmp_path) == []


async def test_told_to_stop_while_it_starts_it_leaves_nothing(tmp_path: Path) -> None:
    async with starting(folder=tmp_path) as process:
        await until(lambda: names_in(tmp_path, "pgvend-neon-*/template-*"))
        process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), PATIENCE)

    assert status == 0
    assert names_in(tmp_path) == []


async def test_no_secret_is_in_its_log(tmp_path: Path) -> None:
    async with emulator("--operation-ms", "0", folder=tmp_path) as (process, settings):
        created = await answered(settings, "/projects", method="POST", body={"project": {}})
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), PATIENCE)

    secrets = [settings["NEON_API_KEY"], created["roles"][0]["password"]]
    assert not [secret for secret in secrets if secret in log.decode()]


async def test_a_knob_is_set() -> None:
    async with emulator("--no-store-passwords", "--set", "roles_limit=0") as (_, settings):
        branch = f"/projects/{settings['NEON_PROJECT_ID']}/branches/{settings['NEON_BRANCH_ID']}"
        role = {"role": {"name": "one"}}
        created = await answered(settings, f"{branch}/roles", method="POST", body=role)
        revealed = await answered(settings, f"{branch}/roles/neondb_owner/reveal_password")

    assert created["code"] == "ROLES_LIMIT_EXCEEDED"
    assert revealed["message"] == "Storing passwords is disabled"


async def test_a_knob_that_there_is_not_is_told_with_those_that_there_are() -> None:
    ran = await pgvend("neon-emulator", "--set", "no_such=1")

    assert ran.status == 1
    assert "no_such" in ran.stderr
    assert "operation_seconds" in ran.stderr


async def test_a_port_that_is_taken_is_told() -> None:
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        ran = await pgvend("neon-emulator", "--port", str(port))

    assert ran.status == 1
    assert f"port {port}" in ran.stderr


@asynccontextmanager
async def emulator(
    *arguments: str, folder: Path | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """The process, and the settings that it prints when it is ready."""
    async with starting(*arguments, folder=folder) as process:
        settings: dict[str, str] = {}
        assert process.stdout
        while LAST_LINE not in settings:
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
            assert line, "it ended"
            settings |= dict(re.findall(r"^(NEON_\w+)=(\S+)$", line))
        yield process, settings


@asynccontextmanager
async def starting(
    *arguments: str, folder: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *PGVEND,
        "neon-emulator",
        "--port",
        "0",
        *arguments,
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


def names_in(folder: Path, pattern: str = "*") -> list[str]:
    return [path.name for path in folder.glob(pattern)]


async def answered(
    settings: dict[str, str], path: str, method: str = "GET", body: object = None
) -> Any:
    headers = {"Authorization": f"Bearer {settings['NEON_API_KEY']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, settings["NEON_API_URL"] + path, json=body) as response,
    ):
        return await response.json()
