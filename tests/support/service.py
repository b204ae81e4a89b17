"""The real service in another process."""

import asyncio
import gc
import os
import pwd
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from entrypoints.cli.app import main

REPOSITORY = Path(__file__).parents[2]

PATIENCE = 120.0
"""Seconds for a start or an end on a busy machine; no test is about this time."""

_OWN_VARIABLES = re.compile(r"PGVEND_|NEON_|CORS_|HOST$|PORT$|PYTHONPATH$")
_SERVES = re.compile(r"pgvend serves (https?://\S+)\n")


class NotStarted(Exception):
    """The service exited before it served; the message is its output."""

    def __init__(self, returncode: int, output: str) -> None:
        super().__init__(output)
        self.returncode = returncode


@dataclass
class RunningService:
    process: "Process"
    data_dir: Path
    written: Path
    url: str = ""

    def output(self) -> str:
        """Return its output so far, of standard output and standard error."""
        return self.written.read_text()

    async def stop(self) -> int:
        """Send SIGTERM, and return the exit status."""
        return await self.send_signal_and_wait(signal.SIGTERM)

    async def kill(self) -> int:
        return await self.send_signal_and_wait(signal.SIGKILL)

    async def send_signal_and_wait(self, number: signal.Signals) -> int:
        """Send the signal, and return the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def exits(self, *, within: float) -> bool:
        """Return whether it exits within this many seconds."""
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            return False
        return True

    async def wait_for_output(
        self, pattern: str | re.Pattern[str], since: int = 0
    ) -> re.Match[str]:
        """Wait for a match in its output after the character `since`, and return it."""
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
    """Start the service, and remove it completely at the end.

    Its working folder is `/`, so that no developer's `.env` is read. It is forked from a process
    that has loaded the code, unless `user`, `source` or `python` is given.
    """
    with tempfile.TemporaryDirectory(prefix="pgvend-test-") as folder:
        written = Path(folder, "output")
        full = _environment(data_dir, source, environment)
        if (user, source, python) == (None, REPOSITORY, sys.executable):
            process: Process = await asyncio.to_thread(ForkedProcess, written, full)
        else:
            process = await _start_process(written, full, python, user)
        service = RunningService(process, data_dir, written)
        try:
            yield service
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await asyncio.to_thread(end_servers, data_dir)


@asynccontextmanager
async def running_service(data_dir: Path, **options: Any) -> AsyncIterator[RunningService]:
    """Run the service, and yield when it serves. Raises NotStarted if it exits before.

    `options` are those of `starting_service`: settings, such as PGVEND_PROVIDER="memory", and the
    system `user` to run as, the `source` folder of its packages and the `python` to run it by.
    """
    async with starting_service(data_dir, **options) as service:
        service.url = (await service.wait_for_output(_SERVES))[1]
        yield service


async def _start_process(
    written: Path, environment: Mapping[str, str], python: Path | str, user: str | None
) -> asyncio.subprocess.Process:
    identity = pwd.getpwnam(user) if user else None
    with open(written, "ab") as output:  # noqa: ASYNC230 - a new file in a temporary folder
        return await asyncio.create_subprocess_exec(
            python,
            "-m",
            "entrypoints",
            "serve",
            cwd="/",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a process group of its own, for tests of Ctrl-C
            user=identity.pw_uid if identity else None,
            group=identity.pw_gid if identity else None,
            extra_groups=[] if identity else None,
        )


class ForkedProcess:
    """`pgvend serve`, forked from a process that has loaded its code, for a tenth of the time."""

    def __init__(self, written: Path, environment: Mapping[str, str]) -> None:
        written.touch()
        context = get_context("forkserver")
        context.set_forkserver_preload(["entrypoints.cli.run_service", __name__])
        self._process = context.Process(
            target=_serve, args=(str(written), dict(environment)), daemon=True
        )
        self._process.start()
        self._end: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
            self._end.get_loop().add_reader(self._process.sentinel, self._has_ended, self._end)
        await asyncio.shield(self._end)
        assert self.returncode is not None
        return self.returncode

    def _has_ended(self, end: asyncio.Future[None]) -> None:
        end.get_loop().remove_reader(self._process.sentinel)
        end.set_result(None)


Process = asyncio.subprocess.Process | ForkedProcess


def _serve(written: str, environment: Mapping[str, str]) -> None:
    """Run `pgvend serve` in this forked process."""
    os.setsid()  # a process group of its own, for tests of Ctrl-C
    output = os.open(written, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir("/")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["pgvend", "serve"]
    try:
        main()
    finally:
        gc.collect()  # as an interpreter does at its exit: it reports errors of abandoned tasks


def list_servers_in(data_dir: Path) -> list[psutil.Process]:
    """Return the main processes of PostgreSQL servers in the service's data folder."""
    working = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    numbers = {process.pid for process in working}
    return [process for process in working if _parent(process) not in numbers | {None}]


def end_servers(data_dir: Path) -> None:
    """End the PostgreSQL servers that a killed service left in its data folder. Blocks."""
    leftovers = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    for process in leftovers:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(leftovers, timeout=PATIENCE)


def _works_in(process: psutil.Process, data_dir: Path) -> bool:
    try:
        folder = Path(process.cwd())
    except psutil.Error:
        return False
    return folder.is_relative_to(data_dir.resolve() / "embedded")


def _parent(process: psutil.Process) -> int | None:
    """Return the parent; None if the process has ended."""
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _environment(data_dir: Path, source: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not _OWN_VARIABLES.match(name)
    }
    return {
        **inherited,
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",  # another user's files are not for the repository
        "PORT": "0",
        "PGVEND_DATA_DIR": str(data_dir),
        "PGVEND_SPARES": "default=0",  # tests of spares ask for them
        **settings,
    }
