"""A registry behind a proxy, and the way around all trouble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from adapters.registry import postgres
from adapters.registry.leases import PostgresLeases
from adapters.registry.opening import Opened, kept_in, opened_postgres
from adapters.registry.rates import SqlRates
from adapters.registry.store import Store
from domain.database import Database
from domain.errors import NameTaken, QuotaReached, Unavailable
from tests.support.pgproxy import Fault, Proxy, Streams, proxy
from tests.support.polling import until
from tests.support.registries import own_database
from tests.support.servers import OperatorsServer

IMPATIENT = 1.5
"""Seconds that a statement gets where one is known to hang; the others have to be done by then."""


@dataclass(frozen=True)
class Home:
    """A registry's database, and the way around all trouble."""

    server: OperatorsServer
    url: str
    sound: Opened


@dataclass(frozen=True)
class Site:
    """The same registry behind a proxy, with no session opened yet."""

    opened: Opened
    proxy: Proxy


@asynccontextmanager
async def new_home(server: OperatorsServer) -> AsyncIterator[Home]:
    async with own_database(server) as url, opened_postgres(url) as sound:
        yield Home(server, url, sound)


@asynccontextmanager
async def site(
    home: Home,
    fault: Fault | None = None,
    network: AsyncExitStack | None = None,
    patience: float = IMPATIENT,
) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        between = await (network or stack).enter_async_context(proxy(_to(home.server), fault))
        way = home.url.replace(f":{home.server.port}/", f":{between.port}/") + "?sslmode=disable"
        engine = postgres.engine_of(way, patience)
        stack.push_async_callback(engine.dispose)
        leases = PostgresLeases(partial(postgres.session, way, patience=patience))
        stack.push_async_callback(leases.close)
        store = Store(engine, engine)
        yield Site(kept_in(store, leases, SqlRates(store)), between)


def _to(server: OperatorsServer) -> Callable[[str], Awaitable[Streams]]:
    return lambda _: asyncio.open_connection("127.0.0.1", server.port)


async def requests_of(home: Home, call: Callable[[Opened], Awaitable[object]]) -> list[str]:
    """What a call asks of the server, login and all, when nothing breaks it."""
    async with site(home) as whole:
        await call(whole.opened)
        return list(whole.proxy.requests)


async def added(opened: Opened, database: Database, quota: int | None = None) -> None:
    """What the server had got when the connection was cut may still be done meanwhile."""
    try:
        await opened.registry.add(database, quota)
    except (NameTaken, QuotaReached):
        await opened.registry.get(database.id)


async def repeated(call: Callable[[], Awaitable[object]]) -> None:
    """It works again, at the latest when the server has noticed what was cut off."""

    async def works() -> bool:
        try:
            await call()
        except Unavailable:
            return False
        return True

    await until(works)
