"""Execution of PostgreSQL's programs in a cluster's folder, under the server's account."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from adapters.embedded.account import SYSTEM_USER, Account
from adapters.embedded.binaries import BUNDLED
from adapters.postgres.child_processes import end_with_parent
from domain.errors import StartupError
from domain.postgres_versions import OLDEST, Version, parse_version
from ports.driven.cancellation import run_in_thread

DATA = "{data}"

_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}


@dataclass(frozen=True)
class Programs:
    """The programs in `folder`, for execution under `account` (None: pgvend's own)."""

    folder: Path
    version: Version
    account: Account | None = None

    @property
    def major(self) -> int:
        return self.version.major

    async def start(
        self, name: str, *arguments: str, data: Path, output: IO[bytes] | int
    ) -> Process:
        """Start a program in `data` that ends with this process, even after SIGKILL. In its
        arguments, DATA stands for that folder."""
        with self._data_path(data) as (path, descriptors):
            return await asyncio.create_subprocess_exec(
                *end_with_parent(signal.SIGINT),
                str(self.folder / name),
                *(argument.replace(DATA, path) for argument in arguments),
                cwd=data,
                env=_ENVIRONMENT,
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for pgvend, which drains first
                pass_fds=descriptors,
                **_account_arguments(self.account),
            )

    @contextmanager
    def _data_path(self, data: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the path of `data` for a program, and the descriptors that it inherits for it.

        The server's system user may lack access to the folders above: the kernel resolves an open
        folder without walking the path. The current folder does not suffice: PostgreSQL 15 leaves
        it for a moment and cannot return.
        """
        if self.account is None:
            yield str(data), ()
            return
        descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)

    async def run(self, name: str, *arguments: str, data: Path, output: IO[bytes]) -> int:
        """Run a program and return its exit status. Kill its processes when the caller is
        cancelled."""
        process = await self.start(name, *arguments, data=data, output=output)
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its children too
                await process.wait()


async def load_programs(folder: Path | None, account: Account | None) -> Programs:
    """Return the programs in `folder`, or the bundled ones, for `account`. Raises StartupError."""
    if folder is None:
        find_programs = BUNDLED.share_programs if account else BUNDLED.find_programs
        folder = await run_in_thread(find_programs)
    version = await _read_version(folder, account)
    if version.major < OLDEST:
        raise StartupError(
            f"PostgreSQL {version} in {folder} is too old: set PGVEND_EMBEDDED_PROGRAMS to the bin "
            f"folder of PostgreSQL {OLDEST} or newer."
        )
    return Programs(folder, version, account)


async def _read_version(folder: Path, account: Account | None) -> Version:
    program = str(folder / "postgres")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--version",
            cwd="/",
            env=_ENVIRONMENT,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            **_account_arguments(account),
        )
    except OSError as error:
        account_hint = f" for the system user {SYSTEM_USER}" if account else ""
        raise StartupError(
            f"{program} cannot be run{account_hint} ({error.strerror}): set "
            "PGVEND_EMBEDDED_PROGRAMS to the bin folder of a PostgreSQL server, or unset it to use "
            "the bundled one."
        ) from error
    output, _ = await process.communicate()
    version = parse_version(output.decode(errors="replace"))
    if process.returncode != 0 or version is None:
        raise StartupError(f"{program} does not run on this system.")
    return version


def _account_arguments(account: Account | None) -> dict[str, Any]:
    """Return the arguments that start a program under `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
