"""The provider has few sessions, and a lost one may still be running a statement on the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from adapters.postgres.provider import PostgresProvider
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import POOL_SIZE, acquire_session, open_session
from adapters.postgres.statements import build_lock_key, lock_tenant
from domain.errors import OutcomeUnknown, PgvendError, ProviderBusy
from domain.provisioning import ProvisionRequest, Tenant, Tombstone
from tests.support.fault_injection import (
    COMPLETE,
    NO_TRACES,
    Injection,
    proxied_provider,
    run_with_fault,
)
from tests.support.pgproxy import Fault, FaultKind
from tests.support.polling import wait_until
from tests.support.provision_requests import new_provision_request

_NUMBER_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_cancelled_creations_release_their_sessions(bundled_18: PostgresProvider) -> None:
    provision_requests = [new_provision_request() for _ in range(2 * POOL_SIZE)]
    fault = Fault(FaultKind.WATCHED, "CREATE DATABASE")
    async with proxied_provider(bundled_18, fault) as proxied, asyncio.timeout(30):
        calls = [
            asyncio.ensure_future(proxied.provider.provision(provision_request))
            for provision_request in provision_requests
        ]
        await fault.reached.wait()
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)

        async with AsyncExitStack() as sessions:
            for _ in range(POOL_SIZE):
                await sessions.enter_async_context(acquire_session(proxied.provider.pool))

        for provision_request in provision_requests:
            await proxied.provider.delete(provision_request.tenant)
            assert await proxied.fetch_traces(provision_request.tenant) == NO_TRACES


async def test_a_provider_closes_while_a_statement_hangs(bundled_18: PostgresProvider) -> None:
    provision_request, fault = new_provision_request(), Fault(FaultKind.HELD, "CREATE DATABASE")
    async with asyncio.timeout(30):
        async with proxied_provider(bundled_18, fault) as proxied:
            call = asyncio.ensure_future(proxied.provider.provision(provision_request))
            await fault.reached.wait()

        with pytest.raises(PgvendError):
            await call
    await bundled_18.delete(provision_request.tenant)


@pytest.mark.parametrize(("cancels", "error"), [(0, ProviderBusy), (1, asyncio.CancelledError)])
async def test_a_server_that_is_silent_while_it_prepares_a_session_holds_no_call(
    bundled_18: PostgresProvider, cancels: int, error: type[BaseException]
) -> None:
    """The pool alone would wait until the server ended the session."""
    fault = Fault(FaultKind.HELD, "PREPARE")
    async with proxied_provider(bundled_18, fault) as proxied:
        held = Injection(FaultKind.HELD, cancels=cancels)
        outcome = await run_with_fault(proxied.provider.inventory(), fault, held)
        assert isinstance(outcome, error)
        assert await proxied.provider.inventory() == await bundled_18.inventory()


async def test_a_lost_pool_session_fails_one_call_at_most(
    bundled_18: PostgresProvider,
) -> None:
    provision_request = new_provision_request()
    async with proxied_provider(bundled_18) as proxied:
        await proxied.provider.provision(provision_request)
        async with acquire_session(bundled_18.pool) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid",
                proxied.proxy.pids,
            )
        await proxied.provision_again(provision_request)
        await proxied.provider.delete(provision_request.tenant)


async def test_blocked_deletions_leave_sessions_for_creations(
    bundled_18: PostgresProvider,
) -> None:
    """One session holds a lock that many deletions wait for."""
    before = await bundled_18.inventory()
    blocked = [new_provision_request() for _ in range(2 * POOL_SIZE)]
    for provision_request in blocked:
        await bundled_18.provision(provision_request)
    async with _waiting_deletions(bundled_18, blocked) as deletions, asyncio.timeout(10):
        provision_request = new_provision_request()
        await bundled_18.provision(provision_request)
        await bundled_18.ping()
        assert not any(deletion.done() for deletion in deletions)

    await bundled_18.delete(provision_request.tenant)
    assert await bundled_18.inventory() == before


async def test_the_health_check_works_while_the_pool_is_exhausted(
    bundled_18: PostgresProvider,
) -> None:
    async with AsyncExitStack() as sessions, asyncio.timeout(10):
        for _ in range(POOL_SIZE):
            await sessions.enter_async_context(acquire_session(bundled_18.pool))

        await bundled_18.ping()


@asynccontextmanager
async def _waiting_deletions(
    provider: PostgresProvider, provision_requests: Sequence[ProvisionRequest]
) -> AsyncIterator[list[asyncio.Task[Tombstone | None]]]:
    """Run deletions that all wait for a lock until the context exits."""
    assert provider.server.superuser
    async with open_session(provider.server.superuser) as holder:
        for provision_request in provision_requests:
            await holder.execute(lock_tenant(provision_request.tenant.id))
        tasks = [
            asyncio.create_task(provider.delete(provision_request.tenant))
            for provision_request in provision_requests
        ]
        await wait_until(lambda: _are_waiting(holder, POOL_SIZE // 2))
        yield tasks
    await asyncio.gather(*tasks)


async def _are_waiting(holder: asyncpg.Connection, number: int) -> bool:
    return bool(await holder.fetchval(_NUMBER_WAITING) == number)


CUT = Injection(FaultKind.CUT_AFTER)

_WAITING = """
SELECT FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32) | objid::bigint = $1
"""


LOST_DURING = {
    "creating the database": (
        "provision",
        "CREATE DATABASE",
        "LOCK TABLE pg_database IN SHARE MODE",
    ),
    "opening the database": ("provision", "REVOKE ALL", "LOCK TABLE pg_database IN SHARE MODE"),
    "dropping the database": (
        "delete",
        "DROP DATABASE",
        "COMMENT ON DATABASE {database} IS 'kept'",
    ),
}
"""A call, the statement at which its session is lost, and the lock that this statement waits
for."""


@pytest.mark.parametrize("next_call", ["provision", "delete"])
@pytest.mark.parametrize("change", LOST_DURING)
async def test_the_next_call_waits_for_a_running_change(
    bundled_18: PostgresProvider, change: str, next_call: str
) -> None:
    provision_request = new_provision_request()
    call, beginning, blocking = LOST_DURING[change]
    if change != "creating the database":
        await bundled_18.provision(provision_request)
    fault = Fault(FaultKind.CUT_AFTER, beginning)
    statement = blocking.format(database=quote_identifier(provision_request.tenant.names.database))
    async with (
        _held_lock(bundled_18, statement) as blocker,
        proxied_provider(bundled_18, fault) as proxied,
    ):
        calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "provision": lambda: proxied.provision_and_verify(provision_request),
            "delete": lambda: proxied.provider.delete(provision_request.tenant),
        }
        assert isinstance(await run_with_fault(calls[call](), fault, CUT), OutcomeUnknown)
        await _check_waiting(calls[next_call](), provision_request.tenant, blocker)
    assert await proxied.fetch_traces(provision_request.tenant) == (
        NO_TRACES if next_call == "delete" else COMPLETE
    )
    await bundled_18.delete(provision_request.tenant)


async def test_a_session_lost_while_waiting_keeps_no_lock(
    bundled_18: PostgresProvider,
) -> None:
    provision_request, fault = (
        new_provision_request(),
        Fault(FaultKind.CUT_AFTER, "SELECT pg_advisory_lock"),
    )
    async with proxied_provider(bundled_18, fault) as proxied:
        async with open_session(bundled_18.server.admin) as holder:
            await holder.execute(lock_tenant(provision_request.tenant.id))
            outcome = await run_with_fault(
                proxied.provider.provision(provision_request), fault, CUT
            )
            assert isinstance(outcome, OutcomeUnknown)
        await proxied.provision_and_verify(provision_request)
        await proxied.provider.delete(provision_request.tenant)
    assert await proxied.fetch_traces(provision_request.tenant) == NO_TRACES


@asynccontextmanager
async def _held_lock(
    bundled: PostgresProvider, statement: str
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a superuser's session with an open transaction, whose lock others wait for."""
    assert bundled.server.superuser
    async with open_session(bundled.server.superuser) as blocker:
        await blocker.execute(f"BEGIN; {statement}")
        yield blocker


async def _check_waiting(
    call: Awaitable[object], tenant: Tenant, blocker: asyncpg.Connection
) -> None:
    """Check that the call waits for the tenant's lock, then let both calls continue."""

    async def is_waiting() -> bool:
        return bool(await blocker.fetch(_WAITING, build_lock_key(tenant.id)))

    task = asyncio.ensure_future(call)
    await wait_until(is_waiting)
    await blocker.execute("ROLLBACK")
    await task
