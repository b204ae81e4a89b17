"""A project for each database: exactly one per tenant despite lost responses and stale lists."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.neon.startup import opened_neon
from adapters.postgres.sessions import tenant_session
from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderRejected
from domain.provisioning import Order
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import held, holding_of
from tests.support.neon.checks import left_as_it_was, persistently, requests_to, turned, works
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.fake_account import HurriedClock
from tests.support.neon.providers import settings_on
from tests.support.polling import moment_of
from tests.support.provision_requests import new_order, rotated

BEHIND, NEVER = 4, 1000
"""Stale reads that do not show a new project: few enough to wait for, and too many."""


@pytest.fixture
async def provider(neon: RunningEmulator) -> AsyncIterator[DatabaseProvider]:
    """A provider with a project for each database and a fast clock."""
    settings = replace(settings_on(neon, Isolation.PROJECT), clock=HurriedClock())
    async with opened_neon(settings) as provider, left_as_it_was(neon):
        yield provider


@pytest.fixture
def order() -> Order:
    return new_order()


async def test_a_lost_response_and_stale_lists_lead_to_one_project(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    await _lose(neon, provider, order)
    connection = await provider.provision(order)

    assert await works(connection)
    assert _projects_of(neon, order) == 1
    await _keep_something(connection)
    await provider.rotate(rotated(order))
    assert await _has_something(await provider.provision(order))
    await provider.delete(order.tenant)


async def test_a_project_after_a_lost_response_is_deleted_despite_stale_lists(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    await _lose(neon, provider, order)

    await provider.delete(order.tenant)


async def test_a_cancelled_project_is_deleted_despite_stale_lists(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    with turned(neon):
        neon.fault("create_project", "stale_404", reads=BEHIND)
        call = asyncio.ensure_future(provider.provision(order))
        await moment_of(lambda: _projects_of(neon, order) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        await provider.delete(order.tenant)


async def test_two_projects_of_a_tenant_are_refused_suspended_and_deleted(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    connection = await provider.provision(order)
    await _make_twin(neon, order)
    await _keep_something(connection)

    for refused in (provider.provision(order), provider.rotate(rotated(order))):
        with pytest.raises(ProviderRejected, match=f"2 Neon projects for {order.tenant.id}"):
            await refused
    assert _projects_of(neon, order) == 2
    assert await _has_something(connection)

    asked = requests_to(neon)
    await provider.suspend(order.tenant)
    assert len({path for _, path, _ in asked.changes()}) == 2
    assert not await works(connection)

    await provider.delete(order.tenant)


async def test_deleting_a_twin_project_keeps_the_other(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    await _keep_something(await provider.provision(order))
    twin = await _make_twin(neon, order)
    await neon.client.call("DELETE", f"/projects/{twin}")

    assert await _has_something(await provider.provision(order))
    await provider.delete(order.tenant)


async def test_a_project_that_is_never_listed_is_deleted(
    neon: RunningEmulator, provider: DatabaseProvider, order: Order
) -> None:
    with turned(neon):
        neon.fault("create_project", "stale_404", reads=NEVER)
        connection = await persistently(lambda: provider.provision(order))

    assert await works(connection)
    assert await held(provider, order) == [holding_of(order)]
    await provider.delete(order.tenant)


async def _lose(neon: RunningEmulator, provider: DatabaseProvider, order: Order) -> None:
    """Create a project whose response is lost and which the lists do not show yet."""
    with turned(neon):
        neon.fault("create_project", "stale_404", reads=BEHIND)
        neon.fault("create_project", "lost_after")
        with pytest.raises(OutcomeUnknown):
            await provider.provision(order)


async def _make_twin(neon: RunningEmulator, order: Order) -> str:
    """Create a second project of the tenant, as a delayed request would."""
    (name,) = (
        each.name for each in neon.emulator.projects.values() if order.tenant.id in each.name
    )
    names = order.tenant.names
    branch = {"database_name": names.database, "role_name": names.owner}
    created = await neon.client.wait_until_done(
        await neon.client.create_project(name=name, branch=branch)
    )
    return str(created.body["project"]["id"])


async def _keep_something(connection: Connection) -> None:
    async with tenant_session(connection) as session:
        await session.execute("CREATE TABLE precious AS SELECT 42 AS number")


async def _has_something(connection: Connection) -> bool:
    async with tenant_session(connection) as session:
        return bool(await session.fetchval("SELECT to_regclass('precious') IS NOT NULL"))


def _projects_of(neon: RunningEmulator, order: Order) -> int:
    return sum(order.tenant.id in project.name for project in neon.emulator.projects.values())
