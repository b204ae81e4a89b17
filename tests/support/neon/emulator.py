"""The Neon emulator on a socket, and a look behind it."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from adapters.system.clock import SystemClock
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.emulator import Emulator
from entrypoints.neon_emulator.faults import Fault, How
from entrypoints.neon_emulator.opening import opened_emulator
from entrypoints.neon_emulator.project import Project
from ports.driven.clock import Clock
from tests.support.neon.client import NeonClient
from tests.support.neon.conformity import conforming
from tests.support.servers import CARELESS, ram_folder


@dataclass(frozen=True)
class Census:
    """Roles and databases: what the API lists, and what PostgreSQL has."""

    listed_roles: frozenset[str]
    listed_databases: frozenset[str]
    real_roles: frozenset[str]
    real_databases: frozenset[str]

    def lists(self, name: str) -> bool:
        """Whether the API lists a role or a database of that name."""
        return name in self.listed_roles | self.listed_databases

    def has(self, name: str) -> bool:
        """Whether PostgreSQL has one."""
        return name in self.real_roles | self.real_databases


@dataclass(frozen=True)
class RunningEmulator:
    """`url` is the API's base, `folder` where its servers have their data."""

    emulator: Emulator
    url: str
    client: NeonClient
    folder: Path

    @property
    def key(self) -> str:
        return self.emulator.key

    @property
    def project_id(self) -> str:
        return self.emulator.first.id

    @property
    def branch_id(self) -> str:
        return self.emulator.first.branch.id

    @property
    def host(self) -> str:
        return self.emulator.host

    @property
    def behaviour(self) -> Behaviour:
        return self.emulator.behaviour

    def newest(self) -> Project:
        return max(self.emulator.projects.values(), key=lambda project: project.number)

    def fault(self, which: str, how: How | str, **more: Any) -> None:
        self.emulator.faults.add(Fault(which=which, how=How(how), **more))

    async def census(self) -> Census:
        """Of the first project."""
        seen = await self.emulator.first.compute.look()
        return Census(
            listed_roles=await self.client.names("roles"),
            listed_databases=await self.client.names("databases"),
            real_roles=frozenset(seen.roles),
            real_databases=frozenset(seen.databases),
        )

    @asynccontextmanager
    async def session(
        self, role: str = "neondb_owner", database: str = "neondb", **other: Any
    ) -> AsyncIterator[asyncpg.Connection]:
        """A role's session in the first project; `other` arguments of the login."""
        uri = await self.client.uri(role, database)
        session = await asyncpg.connect(uri, **other)
        try:
            yield session
        finally:
            session.terminate()


@asynccontextmanager
async def running_emulator(
    behaviour: Behaviour | None = None,
    clock: Clock | None = None,
    middlewares: Sequence[Middleware] = (),
    *,
    checked: bool = True,
) -> AsyncIterator[RunningEmulator]:
    """In memory where the machine allows it; `middlewares` see every request before it does.

    At its end it fails the test if an exchange was not as Neon describes them; looking at each
    doubles the time that they take, so where there are thousands, `checked` may be off.
    """
    with ram_folder() as folder, conforming() if checked else nullcontext(()) as checks:
        async with opened_emulator(
            behaviour,
            folder=folder,
            clock=clock or SystemClock(),
            log=structlog.get_logger(),
            settings=CARELESS,
        ) as emulator:
            emulator.app.middlewares[:0] = [*middlewares, *checks]
            async with _served(emulator.app) as url, aiohttp.ClientSession() as session:
                client = NeonClient(session, url, emulator)
                yield RunningEmulator(emulator, url, client, folder)


@asynccontextmanager
async def turned(neon: RunningEmulator, **knobs: Any) -> AsyncIterator[None]:
    """With other knobs; afterwards nothing runs, is locked or goes wrong, and all is as before."""
    with turned_now(neon, **knobs):
        try:
            yield
        finally:
            neon.emulator.faults.clear()
            neon.emulator.first.operations.release()
            await neon.emulator.first.operations.idle()


@contextmanager
def turned_now(neon: RunningEmulator, **knobs: Any) -> Iterator[None]:
    """The same, but for operations that still run."""
    before = {name: getattr(neon.behaviour, name) for name in knobs}
    try:
        for name, value in knobs.items():
            setattr(neon.behaviour, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(neon.behaviour, name, value)
        neon.emulator.faults.clear()
        neon.emulator.first.operations.release()


def fresh(prefix: str) -> str:
    """A name that nothing has."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


async def made(neon: RunningEmulator, kind: str) -> str:
    """A new `role`, or a `database` of the first owner's."""
    name = fresh(kind)
    await neon.client.done(await neon.client.create(kind, name))
    return name


async def is_alive(session: asyncpg.Connection) -> bool:
    try:
        await session.execute("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/api/v2"
    finally:
        await runner.cleanup()
