"""Runs of `pgvend`, in an environment with nothing but the given variables."""

import asyncio
import os
import pty
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass

from typer.testing import CliRunner

from entrypoints.cli.app import create_app
from tests.support.requirements import skip_without
from tests.support.service import REPOSITORY

PATIENCE = 60.0
"""Seconds; no test depends on it."""

PGVEND = (sys.executable, "-m", "entrypoints")

_SETTINGS = re.compile(r"PGVEND_|NEON_|CORS_|HOST$|PORT$")

_WORKING_FOLDER = "/"
"""A folder without a developer's `.env`."""

_NO_FOLDER = "/nonexistent"
"""A folder without a developer's profiles."""


@dataclass(frozen=True)
class CommandResult:
    status: int
    stdout: str
    stderr: str


async def run_command(*arguments: str, charset: str = "utf-8", **environment: str) -> CommandResult:
    """Run a command in this process, on a terminal of that charset. Its crash is raised."""
    return await asyncio.to_thread(_invoke, arguments, charset, environment)


def _invoke(
    arguments: Sequence[str], charset: str, environment: Mapping[str, str]
) -> CommandResult:
    unset = {name: None for name in os.environ if _SETTINGS.match(name)}
    own = {"XDG_CONFIG_HOME": _NO_FOLDER, **environment}
    with chdir(_WORKING_FOLDER):
        result = CliRunner(charset=charset).invoke(
            create_app(), arguments, env={**unset, **own}, catch_exceptions=False
        )
    return CommandResult(result.exit_code, result.stdout, result.stderr)


async def run_pgvend(*arguments: str, **environment: str) -> CommandResult:
    """Run a command in another process."""
    return await run_program(*PGVEND, *arguments, **environment)


async def run_program(*command: str, stdin: str = "", **environment: str) -> CommandResult:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=_WORKING_FOLDER,
        env=plain_environment(**environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return CommandResult(process.returncode, stdout.decode(), stderr.decode())


async def run_on_terminal(*arguments: str, typed: str = "", **environment: str) -> CommandResult:
    """Run a command whose input and output are a terminal, in which `typed` was typed. Its short
    output must fit into the terminal's buffer."""
    screen, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(*PGVEND, *arguments),
            cwd=_WORKING_FOLDER,
            env=plain_environment(**environment),
            stdin=terminal,
            stdout=terminal,
            stderr=asyncio.subprocess.PIPE,
        )
        os.write(screen, typed.encode())
        _, stderr = await asyncio.wait_for(process.communicate(), PATIENCE)
        os.write(terminal, b"\0")  # so that there is something to read
        shown = os.read(screen, 65536)
    finally:
        os.close(screen)
        os.close(terminal)
    assert process.returncode is not None
    return CommandResult(process.returncode, shown.decode().rstrip("\0"), stderr.decode())


def plain_environment(**more: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **inherited,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CONFIG_HOME": _NO_FOLDER,
        **more,
    }


def find_program(name: str) -> str:
    """Return the path of a program; skip the test if it is not installed."""
    return shutil.which(name) or skip_without(name)
