"""A registry behind a proxy that breaks requests, and a connection without the proxy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from adapters.registry import postgres
from adapters.registry.leases import PostgresLeases
from adapters.registry.rate_limiter import SqlRates
from adapters.registry.store import Store
from adapters.registry.stores import Opened, kept_in, opened_postgres
from domain.database import Database
from domain.errors import NameTaken, QuotaReached, Unavailable
from tests.support.fault_injection import Blow, at_every, struck
from tests.support.pgproxy import Fault, Proxy, Streams, proxy
from tests.support.polling import until
from tests.support.provision_requests import unique_name
from tests.support.records import new_record
from tests.support.registries import own_database, sql
from tests.support.servers import OperatorsServer

IMPATIENT = 1.5
"""Seconds for a statement in tests where one hangs. The others have to complete in this time."""


_LEFT_OVER = """
SELECT query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'
UNION ALL
SELECT locktype FROM pg_locks
JOIN pg_database ON pg_database.oid = pg_locks.database AND datname = current_database()
WHERE locktype = 'advisory'
"""


@dataclass(frozen=True)
class Home:
    """A registry's database, with stores that do not use the proxy."""

    server: OperatorsServer
    url: str
    sound: Opened


@dataclass(frozen=True)
class Site:
    """The same registry behind a proxy, before any session is opened."""

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
        leases = PostgresLeases(partial(postgres.open_session, way, patience=patience))
        stack.push_async_callback(leases.close)
        store = Store(engine, engine)
        yield Site(kept_in(store, leases, SqlRates(store)), between)


def _to(server: OperatorsServer) -> Callable[[str], Awaitable[Streams]]:
    return lambda _: asyncio.open_connection("127.0.0.1", server.port)


S = TypeVar("S")
"""The subject of a call."""


async def break_each_request(
    home: Home,
    blow: Blow,
    begin: Callable[[], S | Awaitable[S]],
    call: Callable[[Opened, S], Coroutine[Any, Any, object]],
    after: Callable[[Site, S, Any], Awaitable[None]],
) -> Sequence[str]:
    """Break each request of a call in turn, the login included, on a new subject that `begin`
    creates, and check the result with `after`. Return the requests of an unbroken call."""

    async def begun() -> S:
        subject = begin()
        return await subject if isinstance(subject, Awaitable) else subject

    async def case(at: int) -> None:
        subject, fault = await begun(), Fault(blow.how, at)
        async with site(home, fault) as place:
            outcome = await struck(call(place.opened, subject), fault, blow)
            await after(place, subject, outcome)

    async with site(home) as whole:
        await call(whole.opened, await begun())
        requests = list(whole.proxy.requests)
    await at_every(requests, case, blow)
    return requests


async def added(opened: Opened, database: Database, quota: int | None = None) -> None:
    """Add the record. The server may still be executing the statement whose connection was cut."""
    try:
        await opened.registry.add(database, quota)
    except (NameTaken, QuotaReached):
        await opened.registry.get(database.id)


async def repeated(call: Callable[[], Awaitable[object]]) -> None:
    """Repeat the call until it succeeds: the server may first have to notice a cut connection."""

    async def works() -> bool:
        try:
            await call()
        except Unavailable:
            return False
        return True

    await until(works)


async def hold(opened: Opened, name: str = "work") -> None:
    async with opened.leases.held(name) as is_mine:
        if not is_mine:
            raise Unavailable


def of_one_more_caller(caller: str | None = None) -> Database:
    return replace(new_record(), caller=caller or unique_name("ann"))


async def is_clean(home: Home) -> bool:
    """Return whether the server has neither an open transaction nor a lock of the registry."""
    return not await sql(home.url, _LEFT_OVER)
