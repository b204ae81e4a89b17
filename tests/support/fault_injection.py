"""A provider behind a proxy that injects a fault at one request, and the state that this leaves on
the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from adapters.decorators.retrying import RetryingLoginCheck, RetryingProvider
from adapters.driver.connector import Login, connect
from adapters.driver.tls import Tls
from adapters.postgres.errors import translate_errors
from adapters.postgres.factory import open_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.marks import Marks
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.statements import build_lock_key
from domain.errors import PgvendError, ProviderBusy
from domain.postgres_url import Address
from domain.provisioning import ProvisionRequest, Tenant
from tests.support.pgproxy import Fault, FaultKind, Proxy, Streams, running_proxy
from tests.support.provision_requests import INSTALLATION
from tests.support.retrying import RETRYING

NO_TLS = Tls(mode="disable")

CALL_TIMEOUT = 40.0
"""Seconds after which a call counts as hanging."""

_TRACES = """
SELECT
  (SELECT count(*) FROM pg_roles
   WHERE rolname = $1 OR starts_with(shobj_description(oid, 'pg_authid'), $3)) AS roles,
  (SELECT count(*) FROM pg_database
   WHERE datname = $2 OR pg_get_userbyid(datdba) = $1
      OR starts_with(shobj_description(oid, 'pg_database'), $3)) AS databases,
  (SELECT count(*) FROM pg_database d,
          aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
   WHERE datname = $2 AND entry.grantee = 0) AS open_to_all,
  (SELECT count(*) FROM pg_auth_members
   WHERE pg_get_userbyid(roleid) = $1 AND (inherit_option OR set_option)) AS members,
  (SELECT count(*) FROM pg_locks
   WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $4) AS locks
"""


@dataclass(frozen=True)
class Injection:
    """A fault at one request: of the connection, the caller or the server."""

    kind: FaultKind
    cancels: int = 0
    kill: Callable[[Fault], Awaitable[None]] | None = None
    concurrency: int = 4
    """The number of requests that have faults concurrently, each in its own call."""


INJECTIONS = {
    "cut before": Injection(FaultKind.CUT_BEFORE),
    "cut after": Injection(FaultKind.CUT_AFTER),
    "answer swallowed": Injection(FaultKind.SWALLOWED),
    "cancelled": Injection(FaultKind.WATCHED, cancels=1),
    "cancelled twice": Injection(FaultKind.WATCHED, cancels=2),
}

SLOW_INJECTIONS = {"hanging, then cancelled": Injection(FaultKind.HELD, cancels=1)}
"""Faults that take seconds: the service waits for an answer to its cancel request."""


@dataclass(frozen=True)
class Traces:
    """A tenant's objects on the server, with its spare. `open_to_all` counts PUBLIC's rights on the
    database, `members` the roles that may act as the owner."""

    roles: int
    databases: int
    open_to_all: int
    members: int
    locks: int


NO_TRACES = Traces(0, 0, 0, 0, 0)
COMPLETE = Traces(1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ProxiedProvider:
    """A provider whose own and whose tenants' sessions go through a proxy."""

    provider: PostgresProvider
    proxy: Proxy
    superuser: Login

    @property
    def retrying(self) -> RetryingProvider:
        """The provider with retries, as in the service: a lost session may block it for a while."""
        return RetryingProvider(self.provider, RETRYING)

    async def provision_and_verify(self, provision_request: ProvisionRequest) -> None:
        """Run both parts of a creation that use the server."""
        await PostgresLoginCheck().verify(await self.provider.provision(provision_request))

    async def provision_again(self, provision_request: ProvisionRequest) -> None:
        connection = await self.retrying.provision(provision_request)
        await RetryingLoginCheck(PostgresLoginCheck(), RETRYING).verify(connection)

    async def fetch_traces(self, tenant: Tenant) -> Traces:
        names, mark = tenant.names, Marks(INSTALLATION).of(tenant)
        async with _superuser_session(self.superuser) as session:
            row = await session.fetchrow(
                _TRACES, names.owner, names.database, mark, build_lock_key(tenant.id)
            )
        assert row is not None
        return Traces(**row)


@asynccontextmanager
async def proxied_provider(
    bundled: PostgresProvider, fault: Fault | None = None
) -> AsyncIterator[ProxiedProvider]:
    """Open the provider behind a proxy. Wait at the end until all its sessions have left the
    server."""
    server, superuser = bundled.server, bundled.server.superuser
    assert superuser

    async def connect(user: str) -> Streams:
        if user in {"", server.admin["user"], superuser["user"]}:
            socket = f"{server.admin['host']}/.s.PGSQL.{server.admin['port']}"
            return await asyncio.open_unix_connection(socket)
        return await asyncio.open_connection("127.0.0.1", server.public_port)

    async with running_proxy(connect, fault) as proxy:
        address = {"host": "127.0.0.1", "port": proxy.port, "database": "postgres", "tls": NO_TLS}
        proxied_server = replace(
            server,
            admin={**address, "user": server.admin["user"]},
            superuser={**address, "user": superuser["user"]},
            public=(Address("127.0.0.1", proxy.port),),
            pooler_bypass={},
        )
        async with open_provider(proxied_server, INSTALLATION) as provider:
            yield ProxiedProvider(provider, proxy, superuser)
        await _wait_until_ended(superuser, proxy.pids)


async def run_with_fault(call: Coroutine[Any, Any, Any], fault: Fault, injection: Injection) -> Any:
    """Run the call, inject the fault, and return the result or the error, which must be a domain
    error."""
    task = asyncio.ensure_future(call)
    reached = asyncio.ensure_future(fault.reached.wait())
    await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED, timeout=CALL_TIMEOUT)
    reached.cancel()
    assert fault.reached.is_set(), f"the call did not reach the request: {task}"
    if injection.kill:
        await injection.kill(fault)
    accepted = [await _cancel(task) for _ in range(injection.cancels)]
    await asyncio.wait({task}, timeout=CALL_TIMEOUT)
    assert task.done(), "the call hangs"
    assert task.cancelled() or not any(accepted), f"the cancellation was lost: {task}"
    outcome = asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, PgvendError | asyncio.CancelledError), repr(outcome)
    return outcome


async def inject_at_every(
    requests: Sequence[str], case: Callable[[int], Awaitable[None]], injection: Injection
) -> None:
    """Run `case` for each request. Report the requests at which it failed."""
    only_waits = injection.kind is FaultKind.HELD  # for seconds, without using the CPU
    limit = asyncio.Semaphore(len(requests) if only_waits else injection.concurrency)

    async def run_case(number: int) -> str | None:
        async with limit:
            try:
                await case(number)
            except (AssertionError, PgvendError, OSError) as error:
                return f"at request {number} ({requests[number]}): {error!r}"
        return None

    outcomes = await asyncio.gather(*map(run_case, range(len(requests))))
    failures = [outcome for outcome in outcomes if outcome]
    assert not failures, "\n".join(failures)


async def _cancel(task: asyncio.Task[Any]) -> bool:
    """Cancel the task, and return whether it was still running."""
    is_accepted = task.cancel()
    for _ in range(3):  # enough for an exception handler to start waiting
        await asyncio.sleep(0)
    return is_accepted


async def _wait_until_ended(superuser: Login, pids: Sequence[int]) -> None:
    """Wait until these sessions have ended; fail if one stays."""
    async with _superuser_session(superuser) as session:
        for _ in range(1000):
            if not await session.fetch("SELECT FROM pg_stat_activity WHERE pid = ANY($1)", pids):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("a session of the admin did not end")


@asynccontextmanager
async def _superuser_session(superuser: Login) -> AsyncIterator[asyncpg.Connection]:
    """Open a session as soon as the server accepts one, because a test may have killed it."""
    session = await RETRYING(lambda: _connect(superuser))
    try:
        yield session
    finally:
        await session.close()


async def _connect(superuser: Login) -> asyncpg.Connection:
    with translate_errors(lost=ProviderBusy):
        return await (asyncpg.connect if "dsn" in superuser else connect)(**superuser)
