"""Bundled PostgreSQL servers, one for each project, copied from a prepared folder."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.stdlib import BoundLogger

from adapters.driver.connector import Login
from adapters.embedded.cluster import PORTS
from adapters.embedded.listen_addresses import is_free
from adapters.embedded.server import Bundle, opened_bundle
from adapters.embedded.threads import in_thread
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import single_session
from entrypoints.neon_emulator.compute import statements
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
        self._made: asyncio.Task[Path] | None = None
        self._ports: set[int] = set()

    def reserve_port(self) -> int:
        """Return a free port that no other project has or has reserved."""
        candidates = random.sample([port for port in PORTS if port not in self._ports], 1000)
        port = next(port for port in candidates if is_free(port))
        self._ports.add(port)
        return port

    def release_port(self, port: int) -> None:
        self._ports.discard(port)

    @asynccontextmanager
    async def running(self, name: str, port: int) -> AsyncIterator[PostgresProvider]:
        """Run a server that has Neon's roles only; remove its data when the context exits."""
        template = await self._template()
        folder = self._folder / name
        try:
            folder.mkdir(mode=0o700)
            await in_thread(_copy, template / "data", folder / "data")
            async with self._opened(folder, port) as provider:
                yield provider
        finally:
            await in_thread(shutil.rmtree, folder, ignore_errors=True)

    async def close(self) -> None:
        if self._made:
            await asyncio.gather(self._made, return_exceptions=True)

    async def _template(self) -> Path:
        """Return the template's folder, created once, even if the first caller is cancelled."""
        if self._made is None:
            self._made = asyncio.create_task(self._made_template())
        return await asyncio.shield(self._made)

    async def _made_template(self) -> Path:
        folder = self._folder / "template"
        async with self._opened(folder, None) as provider:
            login = superuser_of(provider)
            async with single_session(login) as session:
                await session.execute(statements.NEON_SUPERUSER)
        return folder

    @asynccontextmanager
    async def _opened(self, folder: Path, port: int | None) -> AsyncIterator[PostgresProvider]:
        bundle = Bundle(folder=folder, port=port, settings=self._settings)
        async with opened_bundle(bundle, "neon-emulator", self._clock, self._log) as provider:
            yield provider


def superuser_of(provider: PostgresProvider) -> Login:
    """Return the login of the bundled server's superuser."""
    login = provider.server.superuser
    if login is None:
        raise ValueError("a server without a superuser cannot play a compute")
    return login


def _copy(template: Path, data: Path) -> None:
    """Copy a data folder with its owner, the system user that PostgreSQL runs as. Blocks."""
    shutil.copytree(template, data, copy_function=shutil.copyfile)  # a third faster than `copy2`
    owner = template.stat()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
