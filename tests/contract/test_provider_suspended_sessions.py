"""What every provider promises a suspended tenant of its sessions and its data, if it has any."""

from contextlib import AsyncExitStack

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import tenant_session
from domain.connection import Connection
from tests.contract.conftest import kinds
from tests.contract.subjects import Subject
from tests.support.databases import vended
from tests.support.orders import new_order

kind = kinds(lambda kind: kind.has_sessions)


async def test_the_sessions_of_a_suspended_tenant_end(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection, AsyncExitStack() as sessions:
        opened = [await sessions.enter_async_context(tenant_session(connection)) for _ in range(3)]
        await subject.provider.suspend(order.tenant)
        for session in opened:
            with pytest.raises(FAILURES):
                await session.execute("SELECT 1")


async def test_a_tenant_that_is_let_in_again_finds_its_data(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await _keep_an_answer(connection)
        await subject.provider.suspend(order.tenant)
        assert await _kept_answer(await subject.provider.provision(order)) == 42


async def test_a_tenant_that_is_let_in_again_owns_its_database_as_before(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order):
        await subject.provider.suspend(order.tenant)
        await _keep_an_answer(await subject.provider.provision(order))


async def _keep_an_answer(connection: Connection) -> None:
    async with tenant_session(connection) as session:
        await session.execute("CREATE SCHEMA safe; CREATE TABLE safe.kept AS SELECT 42 AS answer")


async def _kept_answer(connection: Connection) -> object:
    async with tenant_session(connection) as session:
        return await session.fetchval("SELECT answer FROM safe.kept")
