"""Doctor checks of the bundled server, before it is started and while it runs."""

import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from adapters.embedded.account import SYSTEM_USER, entry, found_account, own_name
from adapters.embedded.binaries import BUNDLED
from adapters.embedded.cleanup import has_server
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import ADMIN
from adapters.embedded.programs import found_programs
from adapters.embedded.server import Bundle, server_user, short_path
from adapters.embedded.threads import in_thread
from adapters.embedded.trust import check_place
from adapters.postgres.doctor import admin, capacity, guard, ownership, privacy
from adapters.postgres.doctor.checks import Recall, asked
from adapters.postgres.doctor.context import Questions, Subject
from adapters.postgres.server import Server
from domain.doctor import Check, Outcome, Verdict
from domain.errors import PgvendError, StartupError
from ports.driven.clock import Clock
from ports.driven.doctor import Examination

SCARCE = 1_000_000_000
"""Bytes of free disk space. With less, PostgreSQL may soon stop because the disk is full."""

RUNNING: Questions = {
    **admin.QUESTIONS,
    "open databases": privacy.check_open_databases,
    **capacity.QUESTIONS,
    **ownership.QUESTIONS,
    **guard.QUESTIONS,
}
"""The questions to a running server. pgvend itself configures the rest."""

Look = Callable[[], Outcome | Awaitable[Outcome]]


@dataclass(frozen=True, kw_only=True)
class EmbeddedExamination(Examination):
    """Doctor checks that start no server, create no file and take no lock: a service can start at
    the same time."""

    bundle: Bundle
    recall: Recall
    clock: Clock

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.bundle.folder)

    async def examine(self) -> AsyncGenerator[Check, None]:
        yield Check("programs", await _answered(self._programs))
        yield Check("system user", await _answered(_account))
        yield Check("server's data", await _answered(self._data))
        yield Check("room", await _answered(self._room))
        yield Check("port", await _answered(self._port))
        if await self._runs():
            async for check in self._running():
                yield check

    async def _runs(self) -> bool:
        with suppress(OSError):  # another check reports it
            return await in_thread(has_server, self.cluster.data)
        return False

    async def _programs(self) -> Outcome:
        """Check the programs that the server runs. The copy for the system user may still be
        missing."""
        if self.bundle.programs:
            programs = await found_programs(self.bundle.programs, found_account())
        else:
            programs = await found_programs(BUNDLED.own_programs(), None)
            await in_thread(BUNDLED.check_shared)
        folder = programs.folder
        whose = "" if self.bundle.programs else ", bundled"
        detail = f"PostgreSQL {programs.version}{whose}, in {folder}."
        if self.cluster.exists:
            self.cluster.check_major(folder, programs.version)
        if programs.version.lacks_fixes:
            return Outcome(Verdict.WARN, f"{detail} {programs.version.advice}")
        return Outcome(Verdict.OK, detail)

    def _data(self) -> Outcome:
        if not self.cluster.exists:
            return Outcome(Verdict.OK, "There are none yet; the first start creates them.")
        account = found_account()
        if account:
            check_place(self.cluster.folder, account)
        self.cluster.check_owner(account.uid if account else os.geteuid())
        return Outcome(Verdict.OK, f"PostgreSQL {self.cluster.major}, in {self.cluster.data}.")

    def _room(self) -> Outcome:
        """Check the free space on the disk of the data."""
        place = next(
            each for each in (self.cluster.data, *self.cluster.data.parents) if each.exists()
        )
        free = shutil.disk_usage(place).free
        told = f"{free / 1_000_000_000:.1f} GB are free; a database takes at least 8 MB."
        return Outcome(Verdict.WARN if free < SCARCE else Verdict.OK, told)

    def _port(self) -> Outcome:
        kept, wanted = self.cluster.kept_port, self.bundle.port
        if has_server(self.cluster.data):
            return Outcome(Verdict.OK, f"The server runs, on port {kept}.")
        port = wanted or kept
        if port is None:
            return Outcome(Verdict.OK, "The first start chooses a free port.")
        self.cluster.check_free(port, self.bundle.listen)
        if kept and wanted and kept != wanted:
            return Outcome(
                Verdict.WARN,
                f"PGVEND_EMBEDDED_PORT is {wanted}, and existing credentials name the port {kept}.",
            )
        return Outcome(Verdict.OK, f"{port} is free.")

    async def _running(self) -> AsyncGenerator[Check, None]:
        """Query the running server over its socket, which admits only the user who runs it."""
        async with AsyncExitStack() as closing:
            try:
                subject = await self._subject(closing)
                async for check in asked(RUNNING, subject):
                    yield check
            except PgvendError as error:
                told = f"{error} The server runs, and admits only the user who started it."
                yield Check("server", Outcome(Verdict.UNKNOWN, told))

    async def _subject(self, closing: AsyncExitStack) -> Subject:
        port = self.cluster.kept_port or 0
        server = Server(
            admin={
                "host": short_path(self.cluster.data, port, closing),
                "port": port,
                "database": "postgres",
                "user": ADMIN,
                "server_user": server_user(found_account()),
            },
            public=(self.bundle.public_address(port),),
            connection_limit=self.bundle.connection_limit,
        )
        return Subject(server=server, known=await self.recall(), clock=self.clock)


async def _answered(look: Look) -> Outcome:
    try:
        found = look()
        return found if isinstance(found, Outcome) else await found
    except StartupError as error:
        return Outcome(Verdict.FAIL, str(error))
    except OSError as error:
        told = f"{error.filename or 'A file'} cannot be read ({error.strerror})."
        return Outcome(Verdict.UNKNOWN, told)


def _account() -> Outcome:
    if os.geteuid() != 0:
        return Outcome(Verdict.OK, f"The server runs as {own_name()}.")
    if entry():
        return Outcome(Verdict.OK, f"pgvend runs as root, and the server as {SYSTEM_USER}.")
    if shutil.which("useradd"):
        return Outcome(Verdict.OK, f"The first start creates the system user {SYSTEM_USER}.")
    return Outcome(
        Verdict.FAIL,
        f"PostgreSQL refuses to run as root: create a system user {SYSTEM_USER}, or start pgvend "
        "as an ordinary user.",
    )
