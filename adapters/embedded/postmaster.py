"""The server's process: start, supervision and stop."""

import asyncio
import signal
from asyncio.subprocess import Process
from dataclasses import dataclass, field

import psutil
from structlog.stdlib import BoundLogger

from adapters.driver.connector import Login
from adapters.embedded.cleanup import end_old_server
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import OWN_CONFIGURATION
from adapters.embedded.programs import DATA, Programs
from adapters.embedded.server_log import ServerLog
from adapters.postgres.sessions import open_session
from domain.errors import ProviderRejected, StartupError, Unavailable
from domain.retry import RetryPolicy
from ports.driven.cancellation import run_in_thread
from ports.driven.clock import Clock

START_TIMEOUT = 120.0
"""Seconds: after a crash the server first replays its log."""

STOP_TIMEOUT = 15.0
"""Seconds for each signal: during crash recovery PostgreSQL may ignore the first."""

_POLL_INTERVAL = 0.02

_RESTART_POLICY = RetryPolicy(base=0.2, cap=30.0)


@dataclass
class Postmaster:
    """The server's process. `superuser` is a login that works once the server accepts logins."""

    cluster: Cluster
    programs: Programs
    server_log: ServerLog
    superuser: Login = field(repr=False)
    clock: Clock
    log: BoundLogger
    _process: Process | None = field(default=None, init=False, repr=False)

    async def start(self) -> None:
        """Start the server, and return when it accepts logins. Raises StartupError with the end of
        its log."""
        data = self.cluster.data
        config_option = f"config_file={DATA}/{OWN_CONFIGURATION}"
        process = await self.programs.start(
            "postgres", "-D", DATA, "-c", config_option, data=data, output=self.server_log.sink
        )
        self._process = process
        begin = self.clock.elapsed()
        while not await self._accepts_logins():
            if process.returncode is not None or self.clock.elapsed() - begin > START_TIMEOUT:
                tail = await run_in_thread(self.server_log.read_tail)
                raise StartupError(f"PostgreSQL does not start:\n{tail}")
            await self.clock.sleep(_POLL_INTERVAL)

    async def watch(self) -> None:
        """Restart the server whenever it ends, with longer pauses after failures. Never returns."""
        failures = 0
        while True:
            if self._process:
                await self._process.wait()
            if not failures:
                self.log.error("postgres.stopped", log=str(self.cluster.log))
            try:
                await run_in_thread(end_old_server, self.cluster.data, self.programs.account)
                await self.start()
            except (StartupError, OSError, psutil.Error) as error:
                failures += 1
                pause = _RESTART_POLICY.ceiling(failures)
                self.log.error("postgres.not_restarted", detail=str(error), pause=pause)
                await self.clock.sleep(pause)
            else:
                failures = 0
                self.log.info("postgres.restarted")

    async def stop(self) -> None:
        """Stop the server and its sessions. Never raises."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate shutdown
            try:
                process.send_signal(number)
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
            except TimeoutError:
                self.log.error("postgres.slow_to_stop", signal=number.name)
            except ProcessLookupError:
                return
            else:
                return

    async def _accepts_logins(self) -> bool:
        try:
            async with open_session(self.superuser):
                return True
        except Unavailable:
            return False
        except ProviderRejected as error:
            raise StartupError(f"PostgreSQL refuses its superuser's login: {error}") from error
