"""Running PostgreSQL's programs in a cluster's folder, as whoever has to run them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from adapters.embedded.account import Account

_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}


@dataclass(frozen=True)
class Programs:
    """The programs in `folder`, to be run under `account` (None: our own)."""

    folder: Path
    account: Account | None = None

    def data_argument(self, data: Path) -> str:
        """How a program that works in `data` calls it.

        The server's system user need not be able to look into the folders above: it is put into
        `data` and stays there, and the kernel knows where that is without walking the path.
        """
        return "/proc/self/cwd" if self.account else str(data)

    async def start(self, name: str, *arguments: str, data: Path, output: IO[bytes]) -> Process:
        """Start a program in `data` that ends when we end, however that is."""
        return await asyncio.create_subprocess_exec(
            *_ending_with_us(),
            str(self.folder / name),
            *arguments,
            cwd=data,
            env=_ENVIRONMENT,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us: we stop the server when we have drained
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    async def run(self, name: str, *arguments: str, data: Path, output: IO[bytes]) -> int:
        """A program's exit status. A cancelled caller leaves nothing of it running."""
        process = await self.start(name, *arguments, data=data, output=output)
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # the programs that it started too
                await process.wait()


@cache
def _ending_with_us() -> tuple[str, ...]:
    """Linux signals when we are gone, by SIGKILL too; elsewhere the next start cleans up."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", signal.SIGINT.name.removeprefix("SIG"))
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603
    return (
        prefix if works.returncode == 0 else ()
    )  # util-linux before 2.33 and BusyBox do not know the option
