"""A process that keeps records until it is killed, and says which it was told are kept.

    python -m tests.support.registry_process WHERE LEASE

`WHERE` is a file or a PostgreSQL URL. It prints whether it holds the lease, then one id a line.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.registry.opening import Opened, opened_postgres, opened_sqlite
from domain.errors import StartupError
from tests.support.polling import PATIENCE
from tests.support.records import new_record

REPOSITORY = Path(__file__).parents[2]


@dataclass
class RegistryProcess:
    process: asyncio.subprocess.Process

    async def says(self) -> str:
        """Its next line; nothing once it has ended."""
        assert self.process.stdout
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        return line.decode().strip()

    async def kill(self) -> list[str]:
        """End it by SIGKILL, and return what else it said before."""
        assert self.process.stdout
        self.process.kill()
        rest = await self.process.stdout.read()
        await self.process.wait()
        return [line for line in rest.decode().split("\n")[:-1] if line]  # the last may be cut


@asynccontextmanager
async def registry_process(where: object, lease: str = "") -> AsyncIterator[RegistryProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.registry_process", str(where), lease),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield RegistryProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _opened(where: str) -> AbstractAsyncContextManager[Opened]:
    is_url = where.startswith("postgresql://")
    return opened_postgres(where) if is_url else opened_sqlite(Path(where))


async def _main(where: str, lease: str) -> None:
    async with _opened(where) as opened, opened.leases.held(lease) as is_mine:
        _say("holds" if is_mine else "waits")
        while True:
            _say((await opened.registry.add(new_record())).id)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(_main(*sys.argv[1:]))
    except StartupError as error:
        _say(str(error))
