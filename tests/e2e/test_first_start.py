"""The first start beyond loopback without keys: the service makes an admin key."""

import asyncio
import json
import os
import pty
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from entrypoints.config.local_key import KEY_FILE, find_key_in
from tests.support.command_line import PGVEND, plain_environment, run_command
from tests.support.keyed_clients import bearer
from tests.support.service import PATIENCE, RunningService, running_service
from tests.support.service_client import request_json, send_request

CONTAINER = {"HOST": "0.0.0.0", "PGVEND_PROVIDER": "memory", "PGVEND_SECRET": "s" * 32}

WHOAMI = "/v1/whoami"
CODE = re.compile(r"code +([0-9A-Z]{4}-[0-9A-Z]{4}) ")
LOCAL_URL = re.compile(r"console +(http://127\.0\.0\.1:[0-9]+)/")


async def test_a_container_makes_an_admin_key_that_commands_find_and_keeps_it(
    tmp_path: Path,
) -> None:
    async with running_service(tmp_path / "data", **CONTAINER) as first:
        key = await _check_keyed(first)
        at_home = {"PGVEND_DATA_DIR": str(tmp_path / "data"), "PGVEND_URL": _local_url(first)}
        command = await run_command("whoami", "--json", **at_home)
        assert json.loads(command.stdout)["caller"] == "admin", command
        await first.kill()
        assert find_key_in(tmp_path / "data", urlsplit(_local_url(first))) is None
    async with running_service(tmp_path / "data", **CONTAINER) as second:
        assert await _check_keyed(second) == key


async def test_on_a_terminal_a_code_opens_the_console(tmp_path: Path) -> None:
    async with _service_on_terminal(tmp_path / "data") as (url, code):
        service = RunningService(None, tmp_path, tmp_path, url)  # type: ignore[arg-type] # not ours to end
        answer = await request_json(service, "POST", "/v1/key-exchange", {"code": code})
        caller = await request_json(service, "GET", WHOAMI, **bearer(answer["key"]))

    assert (caller["caller"], caller["can_see_all"]) == ("admin", True)
    assert answer["key"] == (tmp_path / "data" / KEY_FILE).read_text().strip()


async def _check_keyed(service: RunningService) -> str:
    """Check that the service needs the key of the data folder and shows it to nobody. Return it."""
    local = RunningService(service.process, service.data_dir, service.written, _local_url(service))
    key = (service.data_dir / KEY_FILE).read_text().strip()
    assert (await send_request(local, "GET", WHOAMI))[0] == 401
    assert (await request_json(local, "GET", WHOAMI, **bearer(key)))["can_see_all"]
    found = find_key_in(service.data_dir, urlsplit(local.url))
    assert found
    assert found.reveal() == key
    place = {"PGVEND_URL": local.url, "PGVEND_DATA_DIR": str(service.data_dir)}
    assert "admin" in (await run_command("whoami", **place)).stdout
    assert (await run_command("whoami", PGVEND_KEY="another", **place)).status == 4
    assert f"  admin key    in {service.data_dir / KEY_FILE}\n" in service.output()
    assert key not in service.output()
    assert not CODE.search(service.output()), "the log of a container would keep it"
    return key


def _local_url(service: RunningService) -> str:
    return service.url.replace("0.0.0.0", "127.0.0.1")


@asynccontextmanager
async def _service_on_terminal(data_dir: Path) -> AsyncIterator[tuple[str, str]]:
    """Run the service on a terminal, and yield its address and its one-time code."""
    screen, terminal = pty.openpty()
    environment = plain_environment(PORT="0", PGVEND_DATA_DIR=str(data_dir), **CONTAINER)
    process = await asyncio.create_subprocess_exec(
        *PGVEND,
        "serve",
        env=environment,
        cwd="/",
        stdout=terminal,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(terminal)
    try:
        async with asyncio.timeout(PATIENCE):
            shown = ""
            while not (code := CODE.search(shown)):
                shown += (await asyncio.to_thread(os.read, screen, 4096)).decode()
        url = LOCAL_URL.search(shown)
        assert url
        yield url[1], code[1]
    finally:
        process.kill()
        await process.wait()
        os.close(screen)
