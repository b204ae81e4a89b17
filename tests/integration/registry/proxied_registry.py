"""A registry behind a proxy that breaks requests, and a connection without the proxy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from adapters.registry import postgres
from adapters.registry.executor import Executor
from adapters.registry.leases import PostgresLeases
from adapters.registry.postgres_stores import open_postgres_stores
from adapters.registry.rate_limiter import SqlRateLimiter
from adapters.registry.stores import Stores, create_stores
from domain.database import Database
from domain.errors import NameTaken, QuotaReached, Unavailable
from tests.support.fault_injection import Injection, inject_at_every, run_with_fault
from tests.support.pgproxy import Fault, FaultKind, Proxy, Streams, running_proxy
from tests.support.polling import wait_until
from tests.support.provision_requests import unique_name
from tests.support.records import new_record
from tests.support.registries import run_sql, temporary_database
from tests.support.servers import OperatorsServer

SHORT_TIMEOUT = 2.5
"""Seconds for a statement in tests where one hangs. The others have to complete in this time."""


_OPEN_TRANSACTIONS_AND_LOCKS = """
SELECT query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in%'
UNION ALL
SELECT locktype FROM pg_locks
JOIN pg_database ON pg_database.oid = pg_locks.database AND datname = current_database()
WHERE locktype = 'advisory'
"""


@dataclass(frozen=True)
class RegistryDatabase:
    """A registry's database, with stores that do not use the proxy."""

    server: OperatorsServer
    url: str
    direct: Stores


@dataclass(frozen=True)
class ProxiedRegistry:
    """The same registry behind a proxy, before any session is opened."""

    stores: Stores
    proxy: Proxy


@asynccontextmanager
async def create_registry_db(server: OperatorsServer) -> AsyncIterator[RegistryDatabase]:
    async with temporary_database(server) as url, open_postgres_stores(url) as direct:
        yield RegistryDatabase(server, url, direct)


@asynccontextmanager
async def open_proxied(
    registry_db: RegistryDatabase,
    fault: Fault | None = None,
    network: AsyncExitStack | None = None,
    call_timeout: float = SHORT_TIMEOUT,
) -> AsyncIterator[ProxiedRegistry]:
    async with AsyncExitStack() as stack:
        between = await (network or stack).enter_async_context(
            running_proxy(_connect_to(registry_db.server), fault)
        )
        proxied_url = (
            registry_db.url.replace(f":{registry_db.server.port}/", f":{between.port}/")
            + "?sslmode=disable"
        )
        engine = postgres.create_registry_engine(proxied_url, call_timeout)
        stack.push_async_callback(engine.dispose)
        leases = PostgresLeases(
            partial(postgres.open_session, proxied_url, call_timeout=call_timeout)
        )
        stack.push_async_callback(leases.close)
        executor = Executor(engine, engine)
        yield ProxiedRegistry(create_stores(executor, leases, SqlRateLimiter(executor)), between)


def _connect_to(server: OperatorsServer) -> Callable[[str], Awaitable[Streams]]:
    return lambda _: asyncio.open_connection("127.0.0.1", server.port)


S = TypeVar("S")
"""The subject of a call."""


async def break_each_request(
    registry_db: RegistryDatabase,
    injection: Injection,
    create: Callable[[], S | Awaitable[S]],
    call: Callable[[Stores, S], Coroutine[Any, Any, object]],
    after: Callable[[ProxiedRegistry, S, Any], Awaitable[None]],
) -> Sequence[str]:
    """Break each request of a call in turn, the login included, on a new subject that `create`
    creates, and check the result with `after`. Return the requests of an unbroken call."""

    async def create_subject() -> S:
        subject = create()
        return await subject if isinstance(subject, Awaitable) else subject

    async def case(at: int) -> None:
        subject, fault = await create_subject(), Fault(injection.kind, at)
        async with open_proxied(registry_db, fault, call_timeout=call_timeout) as proxied:
            outcome = await run_with_fault(call(proxied.stores, subject), fault, injection)
            await after(proxied, subject, outcome)

    call_timeout = SHORT_TIMEOUT if injection.kind is FaultKind.HELD else postgres.STATEMENT_TIMEOUT
    async with open_proxied(registry_db, call_timeout=call_timeout) as unbroken_run:
        await call(unbroken_run.stores, await create_subject())
        requests = list(unbroken_run.proxy.requests)
    await inject_at_every(requests, case, injection)
    return requests


async def add_or_confirm(stores: Stores, database: Database, quota: int | None = None) -> None:
    """Add the record. The server may still be executing the statement whose connection was cut."""
    try:
        await stores.registry.add(database, quota)
    except (NameTaken, QuotaReached):
        await stores.registry.get(database.id)


async def retry_until_success(call: Callable[[], Awaitable[object]]) -> None:
    """Repeat the call until it succeeds: the server may first have to notice a cut connection."""

    async def works() -> bool:
        try:
            await call()
        except Unavailable:
            return False
        return True

    await wait_until(works)


async def acquire_lease(stores: Stores, name: str = "work") -> None:
    async with stores.leases.acquire(name) as is_acquired:
        if not is_acquired:
            raise Unavailable


def new_record_of(caller: str | None = None) -> Database:
    return replace(new_record(), caller=caller or unique_name("ann"))


async def is_clean(registry_db: RegistryDatabase) -> bool:
    """Return whether the server has neither an open transaction nor a lock of the registry."""
    return not await run_sql(registry_db.url, _OPEN_TRANSACTIONS_AND_LOCKS)
