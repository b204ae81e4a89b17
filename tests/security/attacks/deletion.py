"""Attacks that prevent the deletion of a tenant, or keep its names or its place in a quota in
use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from tests.security.attack import Attack
from tests.security.outcome import NONE, Outcome
from tests.security.stage import Stage, TemporaryTenant, raising_refused
from tests.support.databases import provisioned_database, request_for_same_names
from tests.support.obstacles import create_many_policies, looping_clients, open_transaction, run
from tests.support.provision_requests import new_provision_request

ENOUGH = 30
"""Seconds that a deletion may take, and the number of calls after which nothing may be left."""

_CLOSING = "ALTER DATABASE {database} CONNECTION LIMIT 0"

Way = Callable[[Stage, TemporaryTenant], Awaitable[AbstractAsyncContextManager[object]]]
"""An action by which B tries to keep a tenant, and that continues while the tenant is deleted."""


def keeping(way: Way) -> Callable[[Stage], Awaitable[Outcome]]:
    async def attempt(stage: Stage) -> Outcome:
        provision_request = new_provision_request()
        tenant_to_delete = TemporaryTenant(
            provision_request, await stage.provider.provision(provision_request)
        )
        with raising_refused():
            async with AsyncExitStack() as stack:
                stack.push_async_callback(stage.provider.delete, provision_request.tenant)
                await stack.enter_async_context(await way(stage, tenant_to_delete))
                return await _outcome(stage, tenant_to_delete)

    return attempt


async def _outcome(stage: Stage, tenant_to_delete: TemporaryTenant) -> Outcome:
    """Check that the names are free at once, and that nothing is left in the end."""
    async with asyncio.timeout(ENOUGH):
        await stage.provider.delete(tenant_to_delete.provision_request.tenant)
        async with provisioned_database(
            stage.provider, request_for_same_names(tenant_to_delete.provision_request)
        ):
            pass
    for _ in range(ENOUGH):
        if await stage.provider.delete(tenant_to_delete.provision_request.tenant) is None:
            return Outcome.STOPPED
    return Outcome.POSSIBLE


async def _by_policies(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    await run(stage.b, create_many_policies("crowded"), about=tenant_to_delete.connection)
    # tests/integration/postgres/test_tombstones.py has more of them, on servers with few locks
    return _afterwards(stage, "DROP TABLE crowded")


async def _by_naming(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    naming = f'ALTER ROLE "{stage.b.user}" IN DATABASE {{database}} SET work_mem = 64'
    granting = "GRANT USAGE ON SCHEMA public TO {user}"
    return open_transaction(stage.b, naming, granting, about=tenant_to_delete.connection)


async def _by_a_loop_of_its_own(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    return looping_clients(tenant_to_delete.connection, _CLOSING, 2)


async def _by_closing_a_door(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    await run(stage.b, "GRANT USAGE ON SCHEMA public TO {user}", about=tenant_to_delete.connection)
    return looping_clients(stage.b, "ALTER DATABASE {database} SET work_mem = 64", 2)


@asynccontextmanager
async def _afterwards(stage: Stage, statement: str) -> AsyncIterator[None]:
    yield
    await run(stage.b, statement)


_UNTRIED = {NONE: Outcome.UNTRIED}

ATTACKS = (
    Attack(
        "keep a deleted tenant's names in use by policies that name its role",
        keeping(_by_policies),
        _UNTRIED,
    ),
    Attack(
        "keep a deleted tenant's database with an open transaction that names it",
        keeping(_by_naming),
        _UNTRIED,
    ),
    Attack(
        "keep a deleted tenant's names in use by a grant to it and a loop of `ALTER DATABASE`",
        keeping(_by_closing_a_door),
        _UNTRIED,
    ),
    Attack(
        "block the deletion of its own database with a loop of `ALTER DATABASE`",
        keeping(_by_a_loop_of_its_own),
        _UNTRIED,
    ),
)
