"""The real service, as a process of its own."""

import asyncio
import os
import pwd
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[2]

PATIENCE = 120.0
"""Seconds for a start or an end on a busy machine; no test is about this time."""

_OURS = re.compile(r"PGVEND_|NEON_|CORS_|HOST$|PORT$|PYTHONPATH$")
_SERVES = re.compile(r"pgvend serves (https?://\S+)\n")


class NotStarted(Exception):
    """The service ended before it served; the message is all that it wrote."""

    def __init__(self, returncode: int, output: str) -> None:
        super().__init__(output)
        self.returncode = returncode


@dataclass
class RunningService:
    process: asyncio.subprocess.Process
    data_dir: Path
    written: Path
    url: str = ""

    def output(self) -> str:
        """What it has written so far, on standard output and standard error."""
        return self.written.read_text()

    async def stop(self) -> int:
        """SIGTERM, and its exit status."""
        return await self.signalled(signal.SIGTERM)

    async def kill(self) -> int:
        return await self.signalled(signal.SIGKILL)

    async def signalled(self, number: signal.Signals) -> int:
        """Its exit status after this signal."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def ended(self, *, within: float) -> bool:
        """Whether it ends by itself in this many seconds: what it does meanwhile is its affair."""
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            return False
        return True

    async def wrote(self, pattern: str | re.Pattern[str], since: int = 0) -> re.Match[str]:
        """The first match in what it writes, counted from the character `since`."""
        async with asyncio.timeout(PATIENCE):
            while not (match := re.compile(pattern).search(self.output(), since)):
                if self.process.returncode is not None:
                    raise NotStarted(self.process.returncode, self.output())
                await asyncio.sleep(0.02)
            return match


@asynccontextmanager
async def starting_service(
    data_dir: Path,
    *,
    user: str | None = None,
    source: Path = REPOSITORY,
    python: Path | str = sys.executable,
    **environment: str,
) -> AsyncIterator[RunningService]:
    """The service from its first moment on, and nothing of it afterwards.

    Its working folder is the root of the file system: a developer's `.env` is not for tests.
    """
    with tempfile.TemporaryDirectory(prefix="pgvend-test-") as folder:
        written = Path(folder, "output")
        identity = pwd.getpwnam(user) if user else None
        with open(written, "ab") as output:  # noqa: ASYNC230 - a new file in a temporary folder
            process = await asyncio.create_subprocess_exec(
                python,
                "-m",
                "entrypoints",
                "serve",
                cwd="/",
                env=_environment(data_dir, source, environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a group of its own, for those who try Ctrl-C
                user=identity.pw_uid if identity else None,
                group=identity.pw_gid if identity else None,
                extra_groups=[] if identity else None,
            )
        service = RunningService(process, data_dir, written)
        try:
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await asyncio.to_thread(end_servers, data_dir)


@asynccontextmanager
async def running_service(
    data_dir: Path,
    *,
    user: str | None = None,
    source: Path = REPOSITORY,
    python: Path | str = sys.executable,
    **environment: str,
) -> AsyncIterator[RunningService]:
    """The service, from when it serves. Raises NotStarted when it ends before that.

    `environment` are settings, such as PGVEND_PROVIDER="memory"; `user` is the system user to run
    as, `source` the folder of its packages.
    """
    async with starting_service(
        data_dir, user=user, source=source, python=python, **environment
    ) as service:
        service.url = (await service.wrote(_SERVES))[1]
        yield service


def servers_in(data_dir: Path) -> list[psutil.Process]:
    """The PostgreSQL servers' first processes that work in the service's data folder."""
    working = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    numbers = {process.pid for process in working}
    return [process for process in working if _parent(process) not in numbers | {None}]


def end_servers(data_dir: Path) -> None:
    """End what a killed service's PostgreSQL left running in its data folder. Blocks."""
    left = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=PATIENCE)


def _works_in(process: psutil.Process, data_dir: Path) -> bool:
    try:
        folder = Path(process.cwd())
    except psutil.Error:
        return False
    return folder.is_relative_to(data_dir.resolve() / "embedded")


def _parent(process: psutil.Process) -> int | None:
    """None for one that has ended since it was listed."""
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _environment(data_dir: Path, source: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    return {
        **inherited,
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",  # another user's files are not for the repository
        "PORT": "0",
        "PGVEND_DATA_DIR": str(data_dir),
        **settings,
    }
