"""Bundled PostgreSQL servers, one for each project, copied from a prepared folder."""

import asyncio
import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.driver.connector import Login
from adapters.embedded.cluster import PORTS
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import open_session
from domain.errors import StartupError
from entrypoints.neon_emulator.compute import statements
from ports.driven.cancellation import run_in_thread
from ports.driven.clock import Clock

SETTINGS = {"shared_buffers": "16MB"}
"""Small, because up to a hundred servers may run."""


class Servers:
    """The servers, in `folder`; `settings` override PostgreSQL's defaults."""

    def __init__(
        self, folder: Path, clock: Clock, log: BoundLogger, settings: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._log = log
        self._settings = {**SETTINGS, **settings}
        self._template_task: asyncio.Task[Path] | None = None
        self._reserved: dict[int, socket.socket] = {}

    def reserve_port(self) -> int:
        """Return a free port. Occupy it until its server starts, so that no other program does."""
        for port in random.sample(PORTS, 1000):
            reserved = socket.socket()
            try:
                reserved.bind(("127.0.0.1", port))  # does not listen: clients are refused
            except OSError:
                reserved.close()
            else:
                self._reserved[port] = reserved
                return port
        raise StartupError("None of 1000 ports is free: stop other programs.")

    def release_port(self, port: int) -> None:
        if reserved := self._reserved.pop(port, None):
            reserved.close()

    @asynccontextmanager
    async def running(self, name: str, port: int) -> AsyncIterator[PostgresProvider]:
        """Run a server that has Neon's roles only; remove its data when the context exits."""
        template = await self._get_template()
        folder = self._folder / name
        try:
            folder.mkdir(mode=0o700)
            await run_in_thread(_copy, template / "data", folder / "data")
            self.release_port(port)
            async with self._open_server(folder, port) as provider:
                yield provider
        finally:
            await run_in_thread(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        for port in list(self._reserved):
            self.release_port(port)
        if self._template_task:
            await asyncio.gather(self._template_task, return_exceptions=True)

    async def _get_template(self) -> Path:
        """Return the template's folder, created once, even if the first caller is cancelled."""
        if self._template_task is None:
            self._template_task = asyncio.create_task(self._create_template())
        return await asyncio.shield(self._template_task)

    async def _create_template(self) -> Path:
        folder = self._folder / "template"
        async with self._open_server(folder, None) as provider:
            login = get_superuser_login(provider)
            async with open_session(login) as session:
                await session.execute(statements.CREATE_SUPERUSER_ROLE)
        return folder

    @asynccontextmanager
    async def _open_server(self, folder: Path, port: int | None) -> AsyncIterator[PostgresProvider]:
        options = EmbeddedOptions(folder=folder, port=port, settings=self._settings)
        async with open_embedded_provider(
            options, "neon-emulator", self._clock, self._log
        ) as provider:
            yield provider


def get_superuser_login(provider: PostgresProvider) -> Login:
    """Return the login of the bundled server's superuser."""
    login = provider.server.superuser
    if login is None:
        raise ValueError("A compute needs a server with a superuser.")
    return login


def _copy(template: Path, data: Path) -> None:
    """Copy a data folder with its owner, the system user that PostgreSQL runs as. Blocks."""
    shutil.copytree(template, data, copy_function=shutil.copyfile)  # a third faster than `copy2`
    owner = template.stat()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
