"""A second client of Neon's API, who comes in between."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from domain.naming import Names
from tests.support.neon.emulator import Census, RunningEmulator, running_emulator

HEIR = "neondb_owner"
"""A role that was there before."""

Act = Callable[[], Awaitable[object]]


class Intruder:
    """Acts once, right before the next request that `before` describes is handled."""

    def __init__(self) -> None:
        self._wanted = ("", "")
        self._act: Act | None = None

    def before(self, method: str, ending: str, act: Act) -> None:
        self._wanted, self._act = (method, ending), act

    @property
    def has_acted(self) -> bool:
        return self._act is None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        method, ending = self._wanted
        if self._act and request.method == method and request.path.endswith(ending):
            act, self._act = self._act, None
            await act()
        return await handler(request)


@dataclass(frozen=True)
class Shared:
    """A project that somebody else uses too."""

    neon: RunningEmulator
    intruder: Intruder

    async def make_role(self, names: Names) -> None:
        client = self.neon.client
        await client.done(await client.create_role(names.owner))

    async def begin_role(self, names: Names) -> None:
        """Without waiting for it."""
        await self.neon.client.create_role(names.owner)

    async def make_database(self, names: Names) -> None:
        client = self.neon.client
        await client.done(await client.create_database(names.database, HEIR))

    async def census(self) -> Census:
        await self.neon.emulator.first.operations.idle()
        return await self.neon.census()

    async def owners(self) -> dict[str, str]:
        """Of the databases, as PostgreSQL has them."""
        async with self.neon.session() as session:
            rows = await session.fetch("SELECT datname, pg_get_userbyid(datdba) FROM pg_database")
        return dict(map(tuple, rows))


@asynccontextmanager
async def shared_neon() -> AsyncIterator[Shared]:
    intruder = Intruder()
    async with running_emulator(middlewares=[intruder.middleware], checked=False) as neon:
        yield Shared(neon, intruder)
