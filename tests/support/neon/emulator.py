"""The running Neon emulator, with access to its state."""

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
from entrypoints.neon_emulator.startup import open_emulator
from entrypoints.neon_emulator.state.emulator import Emulator
from entrypoints.neon_emulator.state.faults import Fault, How
from entrypoints.neon_emulator.state.project import Project
from ports.driven.clock import Clock
from tests.support.neon.client import NeonClient
from tests.support.neon.conformity import conforming
from tests.support.servers import FAST, ram_folder


@dataclass(frozen=True)
class Snapshot:
    """The roles and databases that the API lists, and those that PostgreSQL has."""

    listed_roles: frozenset[str]
    listed_databases: frozenset[str]
    real_roles: frozenset[str]
    real_databases: frozenset[str]

    def lists(self, name: str) -> bool:
        """Return whether the API lists a role or database of that name."""
        return name in self.listed_roles | self.listed_databases

    def has(self, name: str) -> bool:
        """Return whether PostgreSQL has a role or database of that name."""
        return name in self.real_roles | self.real_databases


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator. `url` is the base of its API, `folder` contains its servers' data."""

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

    def get_newest_project(self) -> Project:
        return max(self.emulator.projects.values(), key=lambda project: project.number)

    def add_fault(self, route: str, how: How | str, **more: Any) -> None:
        self.emulator.faults.add(Fault(route=route, how=How(how), **more))

    async def snapshot(self) -> Snapshot:
        """Return the snapshot of the first project."""
        found = await self.emulator.first.compute.inspect()
        return Snapshot(
            listed_roles=await self.client.names("roles"),
            listed_databases=await self.client.names("databases"),
            real_roles=frozenset(found.roles),
            real_databases=frozenset(found.databases),
        )

    @asynccontextmanager
    async def session(
        self, role: str = "neondb_owner", database: str = "neondb", **other: Any
    ) -> AsyncIterator[asyncpg.Connection]:
        """Open a role's session in the first project; `other` are arguments of the login."""
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
    """Run an emulator, in memory if the machine allows it; `middlewares` get requests first.

    At the end, fail if an exchange did not conform to Neon's description. The check doubles the
    time of a request: switch `checked` off for thousands of them.
    """
    with ram_folder() as folder, conforming() if checked else nullcontext(()) as checks:
        async with open_emulator(
            behaviour,
            folder=folder,
            clock=clock or SystemClock(),
            log=structlog.get_logger(),
            settings=FAST,
        ) as emulator:
            emulator.app.middlewares[:0] = [*middlewares, *checks]
            async with _serving(emulator.app) as url, aiohttp.ClientSession() as session:
                client = NeonClient(session, url, emulator)
                yield RunningEmulator(emulator, url, client, folder)


@asynccontextmanager
async def override_behaviour(neon: RunningEmulator, **overrides: Any) -> AsyncIterator[None]:
    """Override settings for the block; then remove faults and locks and wait for operations."""
    with override_behaviour_now(neon, **overrides):
        try:
            yield
        finally:
            neon.emulator.faults.clear()
            neon.emulator.first.operations.unlock()
            await neon.emulator.first.operations.wait_until_idle()


@contextmanager
def override_behaviour_now(neon: RunningEmulator, **overrides: Any) -> Iterator[None]:
    """Override settings for the block; then remove faults and locks."""
    before = {name: getattr(neon.behaviour, name) for name in overrides}
    try:
        for name, value in overrides.items():
            setattr(neon.behaviour, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(neon.behaviour, name, value)
        neon.emulator.faults.clear()
        neon.emulator.first.operations.unlock()


def new_name(prefix: str) -> str:
    """Return an unused name."""
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


async def create_object(neon: RunningEmulator, kind: str) -> str:
    """Create a `role`, or a `database` of the default role. Return its name."""
    name = new_name(kind)
    await neon.client.wait_until_done(await neon.client.create(kind, name))
    return name


async def is_alive(session: asyncpg.Connection) -> bool:
    try:
        await session.execute("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/api/v2"
    finally:
        await runner.cleanup()
