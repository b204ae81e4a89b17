"""Doctor checks of the bundled server, before it is started and while it runs."""

import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from adapters.embedded.account import SYSTEM_USER, find_account, find_system_user, get_user_name
from adapters.embedded.binaries import BUNDLED
from adapters.embedded.cleanup import is_server_running
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import ADMIN
from adapters.embedded.programs import load_programs
from adapters.embedded.server import EmbeddedOptions, get_server_uid, open_short_path
from adapters.embedded.trust import check_folder
from adapters.postgres.doctor import admin, capacity, guard, ownership, privacy
from adapters.postgres.doctor.checks import LoadLocalState, run_check_functions
from adapters.postgres.doctor.context import CheckContext, CheckFunctions
from adapters.postgres.server import Server
from domain.doctor import DoctorCheck, Outcome, Verdict
from domain.errors import PgvendError, StartupError
from ports.driven.cancellation import run_in_thread
from ports.driven.clock import Clock
from ports.driven.doctor import DoctorChecks

LOW_DISK_SPACE = 1_000_000_000
"""Bytes of free disk space. With less, PostgreSQL may soon stop because the disk is full."""

SERVER_CHECKS: CheckFunctions = {
    **admin.CHECKS,
    "open databases": privacy.check_open_databases,
    **capacity.CHECKS,
    **ownership.CHECKS,
    **guard.CHECKS,
}
"""The checks of a running server. pgvend itself configures the rest."""

CheckFunction = Callable[[], Outcome | Awaitable[Outcome]]


@dataclass(frozen=True, kw_only=True)
class EmbeddedChecks(DoctorChecks):
    """Doctor checks that start no server, create no file and take no lock: a service can start at
    the same time."""

    options: EmbeddedOptions
    load_local_state: LoadLocalState
    clock: Clock

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.options.folder)

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        yield DoctorCheck("programs", await _run_check(self._check_programs))
        yield DoctorCheck("system user", await _run_check(_check_account))
        yield DoctorCheck("server's data", await _run_check(self._check_data))
        yield DoctorCheck("disk space", await _run_check(self._check_disk))
        yield DoctorCheck("port", await _run_check(self._check_port))
        if await self._is_running():
            async for check in self._check_server():
                yield check

    async def _is_running(self) -> bool:
        with suppress(OSError):  # another check reports it
            return await run_in_thread(is_server_running, self.cluster.data)
        return False

    async def _check_programs(self) -> Outcome:
        """Check the programs that the server runs. The copy for the system user may still be
        missing."""
        if self.options.programs:
            programs = await load_programs(self.options.programs, find_account())
        else:
            programs = await load_programs(BUNDLED.find_programs(), None)
            await run_in_thread(BUNDLED.check_shared_copy)
        folder = programs.folder
        origin = "" if self.options.programs else ", bundled"
        detail = f"PostgreSQL {programs.version}{origin}, in {folder}."
        if self.cluster.exists:
            self.cluster.check_major(folder, programs.version)
        if programs.version.lacks_fixes:
            return Outcome(Verdict.WARN, f"{detail} {programs.version.advice}")
        return Outcome(Verdict.OK, detail)

    def _check_data(self) -> Outcome:
        if not self.cluster.exists:
            return Outcome(Verdict.OK, "There are none yet; the first start creates them.")
        account = find_account()
        if account:
            check_folder(self.cluster.folder, account)
        self.cluster.check_owner(account.uid if account else os.geteuid())
        return Outcome(Verdict.OK, f"PostgreSQL {self.cluster.major}, in {self.cluster.data}.")

    def _check_disk(self) -> Outcome:
        """Check the free space on the disk of the data."""
        folder = next(
            each for each in (self.cluster.data, *self.cluster.data.parents) if each.exists()
        )
        free = shutil.disk_usage(folder).free
        message = f"{free / 1_000_000_000:.1f} GB are free; a database takes at least 8 MB."
        return Outcome(Verdict.WARN if free < LOW_DISK_SPACE else Verdict.OK, message)

    def _check_port(self) -> Outcome:
        saved, configured = self.cluster.saved_port, self.options.port
        if is_server_running(self.cluster.data):
            return Outcome(Verdict.OK, f"The server runs, on port {saved}.")
        port = configured or saved
        if port is None:
            return Outcome(Verdict.OK, "The first start chooses a free port.")
        self.cluster.check_port(port, self.options.listen)
        if saved and configured and saved != configured:
            return Outcome(
                Verdict.WARN,
                f"PGVEND_EMBEDDED_PORT is {configured}, and existing credentials name the port "
                f"{saved}.",
            )
        return Outcome(Verdict.OK, f"{port} is free.")

    async def _check_server(self) -> AsyncGenerator[DoctorCheck, None]:
        """Query the running server over its socket, which admits only the user who runs it."""
        async with AsyncExitStack() as closing:
            try:
                context = await self._create_context(closing)
                async for check in run_check_functions(SERVER_CHECKS, context):
                    yield check
            except PgvendError as error:
                message = f"{error} The server runs, and admits only the user who started it."
                yield DoctorCheck("server", Outcome(Verdict.UNKNOWN, message))

    async def _create_context(self, closing: AsyncExitStack) -> CheckContext:
        port = self.cluster.saved_port or 0
        server = Server(
            admin={
                "host": open_short_path(self.cluster.data, port, closing),
                "port": port,
                "database": "postgres",
                "user": ADMIN,
                "server_user": get_server_uid(find_account()),
            },
            public=(self.options.public_address(port),),
            connection_limit=self.options.connection_limit,
        )
        return CheckContext(
            server=server, local_state=await self.load_local_state(), clock=self.clock
        )


async def _run_check(check: CheckFunction) -> Outcome:
    try:
        outcome = check()
        return outcome if isinstance(outcome, Outcome) else await outcome
    except StartupError as error:
        return Outcome(Verdict.FAIL, str(error))
    except OSError as error:
        message = f"{error.filename or 'A file'} cannot be read ({error.strerror})."
        return Outcome(Verdict.UNKNOWN, message)


def _check_account() -> Outcome:
    if os.geteuid() != 0:
        return Outcome(Verdict.OK, f"The server runs as {get_user_name()}.")
    if find_system_user():
        return Outcome(Verdict.OK, f"pgvend runs as root, and the server as {SYSTEM_USER}.")
    if shutil.which("useradd"):
        return Outcome(Verdict.OK, f"The first start creates the system user {SYSTEM_USER}.")
    return Outcome(
        Verdict.FAIL,
        f"PostgreSQL refuses to run as root: create a system user {SYSTEM_USER}, or start pgvend "
        "as an ordinary user.",
    )
