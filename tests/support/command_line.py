"""`pgvend` as one types it: another process, in an empty environment but for what is given."""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass

from tests.support.needs import lacking
from tests.support.service import REPOSITORY

PATIENCE = 60.0
"""Seconds; no test is about this time."""

PGVEND = (sys.executable, "-m", "entrypoints")


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: str
    stderr: str


async def pgvend(*arguments: str, **environment: str) -> Ran:
    return await ran(*PGVEND, *arguments, **environment)


async def ran(*command: str, stdin: str = "", **environment: str) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd="/",  # a developer's `.env` is not for tests
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
    return Ran(process.returncode, stdout.decode(), stderr.decode())


def plain_environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **more}


def program(name: str) -> str:
    """The path of a program that a machine may lack."""
    return shutil.which(name) or lacking(name)
