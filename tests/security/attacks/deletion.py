"""Attacks that prevent the deletion of a tenant, or keep its names or its place in a quota in
use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from tests.security.attack import Attack, Attempt
from tests.security.outcome import NONE, Outcome
from tests.security.stage import Stage, TemporaryTenant, translate_refusals
from tests.support.databases import provisioned_database, request_for_same_names
from tests.support.obstacles import create_many_policies, looping_clients, open_transaction, run
from tests.support.provision_requests import new_provision_request

MAX_SECONDS = 30
"""Seconds that a deletion may take."""

MAX_DELETIONS = 30
"""The number of deletions after which nothing may be left."""

_CLOSE = "ALTER DATABASE {database} CONNECTION LIMIT 0"

Obstacle = Callable[[Stage, TemporaryTenant], Awaitable[AbstractAsyncContextManager[object]]]
"""Prepares an action that prevents a deletion, and runs it until the context exits."""


def _delete_despite(create_obstacle: Obstacle) -> Attempt:
    """Delete a tenant while the obstacle exists."""

    async def attempt(stage: Stage) -> Outcome:
        provision_request = new_provision_request()
        tenant_to_delete = TemporaryTenant(
            provision_request, await stage.provider.provision(provision_request)
        )
        with translate_refusals():
            async with AsyncExitStack() as stack:
                stack.push_async_callback(stage.provider.delete, provision_request.tenant)
                await stack.enter_async_context(await create_obstacle(stage, tenant_to_delete))
                return await _delete(stage, tenant_to_delete)

    return attempt


async def _delete(stage: Stage, tenant_to_delete: TemporaryTenant) -> Outcome:
    """Delete the tenant. Check that its names are free at once, and that nothing is left in the
    end."""
    async with asyncio.timeout(MAX_SECONDS):
        await stage.provider.delete(tenant_to_delete.provision_request.tenant)
        async with provisioned_database(
            stage.provider, request_for_same_names(tenant_to_delete.provision_request)
        ):
            pass
    for _ in range(MAX_DELETIONS):
        if await stage.provider.delete(tenant_to_delete.provision_request.tenant) is None:
            return Outcome.STOPPED
    return Outcome.POSSIBLE


async def _create_policies(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    await run(stage.b, create_many_policies("with_policies"), about=tenant_to_delete.connection)
    # tests/integration/postgres/test_tombstones.py has more of them, on servers with few locks
    return _run_afterwards(stage, "DROP TABLE with_policies")


async def _open_transaction(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    lock = f'ALTER ROLE "{stage.b.user}" IN DATABASE {{database}} SET work_mem = 64'
    grant = "GRANT USAGE ON SCHEMA public TO {user}"
    return open_transaction(stage.b, lock, grant, about=tenant_to_delete.connection)


async def _loop_in_tenant(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    return looping_clients(tenant_to_delete.connection, _CLOSE, 2)


async def _loop_in_neighbour(
    stage: Stage, tenant_to_delete: TemporaryTenant
) -> AbstractAsyncContextManager[object]:
    await run(stage.b, "GRANT USAGE ON SCHEMA public TO {user}", about=tenant_to_delete.connection)
    return looping_clients(stage.b, "ALTER DATABASE {database} SET work_mem = 64", 2)


@asynccontextmanager
async def _run_afterwards(stage: Stage, statement: str) -> AsyncIterator[None]:
    yield
    await run(stage.b, statement)


_UNTRIED = {NONE: Outcome.UNTRIED}

ATTACKS = (
    Attack(
        "keep a deleted tenant's names in use by policies that name its role",
        _delete_despite(_create_policies),
        _UNTRIED,
    ),
    Attack(
        "keep a deleted tenant's database with an open transaction that names it",
        _delete_despite(_open_transaction),
        _UNTRIED,
    ),
    Attack(
        "keep a deleted tenant's names in use by a grant to it and a loop of `ALTER DATABASE`",
        _delete_despite(_loop_in_neighbour),
        _UNTRIED,
    ),
    Attack(
        "block the deletion of its own database with a loop of `ALTER DATABASE`",
        _delete_despite(_loop_in_tenant),
        _UNTRIED,
    ),
)
