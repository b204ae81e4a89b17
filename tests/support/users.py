"""Programs run by other system users."""

import asyncio
import os
import pwd
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from tests.support.requirements import skip_without

PACKAGES = Path(asyncpg.__file__).parents[1]
"""The folder of pgvend's dependencies."""

_PYTHONS = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")


async def run_as(
    user: str, program: str, *arguments: str, cwd: Path | str = "/", **environment: str
) -> tuple[int, str]:
    """Run a program as another system user, which only root can, and return its exit status and
    output. It starts in `cwd`, even if that user cannot read the folder."""
    if os.geteuid() != 0:
        skip_without("root, to become another system user")
    entry = pwd.getpwnam(user)
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=cwd,
        env=environment,
        stdout=PIPE,
        stderr=STDOUT,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def find_python(user: str, *, module: str = "asyncpg") -> str:
    """Return a Python of this version that the user can run and that can import `module`. Skip the
    test if there is no such Python, as on a machine where everything is in root's home."""
    for python in _PYTHONS:
        if await _runs(user, python, {"PYTHONPATH": str(PACKAGES)}, f"import {module}"):
            return python
    pytest.skip(f"the user {user} has no Python here that can import {module}")


async def _runs(user: str, python: str, environment: Mapping[str, str], script: str) -> bool:
    try:
        status, _ = await run_as(user, python, "-c", script, **environment)
    except (FileNotFoundError, PermissionError):
        return False
    return status == 0
