"""PgBouncer: its program, and processes of it."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from adapters.embedded.account import SYSTEM_USER, prepare_account
from tests.support.debian_packages import PackagesUnavailable, unpack
from tests.support.requirements import skip_without

FIRST_WITH_LIMITS_OF_USERS = (1, 24)
"""The first version with every setting of `deploy/pgbouncer/pgbouncer.ini`."""

DEBIAN_13 = (
    *("pgbouncer", "libaudit1", "libc6", "libcap2", "libcap-ng0", "libcares2", "libevent-2.1-7t64"),
    *("libpam0g", "libssl3t64", "libsystemd0", "libzstd1", "zlib1g"),
)
"""Debian 13's PgBouncer with the libraries that it loads, for older systems."""

Command = Sequence[str]


def find_pgbouncer() -> Command:
    """Return the command of the machine's PgBouncer."""
    program = _find_program()
    if not program:
        skip_without("pgbouncer: apt-get install pgbouncer")
    return [program]


def find_new_pgbouncer() -> Command:
    """Return the command of the machine's PgBouncer if it is new enough for the settings in
    `deploy/`, or of Debian 13's. Blocks."""
    program = _find_program()
    if program and _version(program) >= FIRST_WITH_LIMITS_OF_USERS:
        return [program]
    try:
        return _command_in(unpack("trixie", DEBIAN_13))
    except PackagesUnavailable as error:
        skip_without(f"PgBouncer 1.24, or Debian's packages of it: {error}")


def _find_program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


def _version(program: str) -> tuple[int, ...]:
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"PgBouncer (\d+)\.(\d+)", printed.stdout)
    assert match, printed.stdout
    return tuple(map(int, match.groups()))


def _command_in(root: Path) -> Command:
    """Return the command that runs the program in `root` with the libraries there."""
    loader = next(root.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    return [str(loader), "--library-path", str(loader.parent), str(root / "usr/sbin/pgbouncer")]


@asynccontextmanager
async def running_pgbouncer(command: Command, file: Path) -> AsyncIterator[None]:
    """Run PgBouncer with this configuration, as a system user that may run it, which becomes the
    owner of the files in the configuration's folder."""
    account = await prepare_account()
    for path in file.parent.iterdir():
        path.chmod(0o600)
        if account:
            os.chown(path, account.uid, account.gid)
    user = ["--user", SYSTEM_USER] if account else []
    process = await asyncio.create_subprocess_exec(
        *command, *user, str(file), stderr=asyncio.subprocess.PIPE
    )
    try:
        await _wait_until_up(process)
        async with _drained(process):
            yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _wait_until_up(process: asyncio.subprocess.Process) -> None:
    assert process.stderr
    written = b""
    async for line in process.stderr:
        written += line
        if b"process up" in line:
            return
    raise AssertionError(written.decode())


@asynccontextmanager
async def _drained(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Read the log until the context exits, so that the process never waits for a reader."""
    assert process.stderr
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield
    finally:
        process.kill()
        await reading
