"""`pgvend open`: the address of the console, in a browser."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import run_command, run_pgvend
from tests.support.fake_service import fake_service
from tests.support.service import RunningService

INDEX = {"name": "pgvend", "version": "1"}


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that writes the address which it is to open to a file in its folder."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$*" > {tmp_path}/opened\n')
    program.chmod(0o755)
    return program


async def test_the_console_is_opened_without_the_key(
    service: RunningService, browser: Path
) -> None:
    result = await run_pgvend(
        "open", PGVEND_URL=service.url, PGVEND_KEY="secret", BROWSER=f"{browser} %s"
    )
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == f"{service.url}/\n"
    assert (browser.parent / "opened").read_text() == f"{service.url}/"


async def test_only_the_address_is_printed_on_request(browser: Path) -> None:
    async with fake_service(INDEX) as service:
        result = await service.run_pgvend("open", "--no-browser", "--json", BROWSER=str(browser))
    assert json.loads(result.stdout) == {"url": service.url}
    assert not (browser.parent / "opened").exists()


@pytest.mark.parametrize("index", [{"name": "another"}, {}, b"<h1>"])
async def test_no_browser_is_opened_for_another_service(index: Any, browser: Path) -> None:
    async with fake_service(index) as service:
        result = await run_command("open", PGVEND_URL=service.url, BROWSER=str(browser))
    assert (result.status, result.stdout) == (6, "")
    assert not (browser.parent / "opened").exists()
