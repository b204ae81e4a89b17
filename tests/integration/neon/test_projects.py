"""A project for each database: exactly one per tenant despite lost responses and stale lists."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.neon.startup import open_neon
from adapters.postgres.sessions import open_tenant_session
from domain.connection import Connection
from domain.errors import OutcomeUnknown, ProviderRejected
from domain.provisioning import ProvisionRequest
from domain.targets import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import expected_item, find_in_inventory
from tests.support.neon.checks import (
    can_log_in,
    no_changes,
    record_requests,
    with_retries,
)
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now
from tests.support.neon.fake_account import FastClock
from tests.support.neon.providers import create_config
from tests.support.polling import wait_without_delay
from tests.support.provision_requests import new_provision_request, with_next_password

BEHIND, NEVER = 4, 1000
"""Stale reads that do not show a new project: few enough to wait for, and too many."""


@pytest.fixture
async def provider(neon: RunningEmulator) -> AsyncIterator[DatabaseProvider]:
    """A provider with a project for each database and a fast clock."""
    config = replace(create_config(neon, Isolation.PROJECT), clock=FastClock())
    async with open_neon(config) as provider, no_changes(neon):
        yield provider


@pytest.fixture
def provision_request() -> ProvisionRequest:
    return new_provision_request()


async def test_a_lost_response_and_stale_lists_lead_to_one_project(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    await _lose_response(neon, provider, provision_request)
    connection = await provider.provision(provision_request)

    assert await can_log_in(connection)
    assert _count_projects(neon, provision_request) == 1
    await _write_table(connection)
    await provider.rotate(with_next_password(provision_request))
    assert await _has_table(await provider.provision(provision_request))
    await provider.delete(provision_request.tenant)


async def test_a_project_after_a_lost_response_is_deleted_despite_stale_lists(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    await _lose_response(neon, provider, provision_request)

    await provider.delete(provision_request.tenant)


async def test_a_cancelled_project_is_deleted_despite_stale_lists(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    with override_behaviour_now(neon):
        neon.add_fault("create_project", "stale_404", reads=BEHIND)
        call = asyncio.ensure_future(provider.provision(provision_request))
        await wait_without_delay(lambda: _count_projects(neon, provision_request) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        await provider.delete(provision_request.tenant)


async def test_two_projects_of_a_tenant_are_refused_suspended_and_deleted(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    connection = await provider.provision(provision_request)
    await _create_twin(neon, provision_request)
    await _write_table(connection)

    for refused in (
        provider.provision(provision_request),
        provider.rotate(with_next_password(provision_request)),
    ):
        with pytest.raises(
            ProviderRejected, match=f"2 Neon projects for {provision_request.tenant.id}"
        ):
            await refused
    assert _count_projects(neon, provision_request) == 2
    assert await _has_table(connection)

    requests = record_requests(neon)
    await provider.suspend(provision_request.tenant)
    assert len({path for _, path, _ in requests.changes()}) == 2
    assert not await can_log_in(connection)

    await provider.delete(provision_request.tenant)


async def test_deleting_a_twin_project_keeps_the_other(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    await _write_table(await provider.provision(provision_request))
    twin = await _create_twin(neon, provision_request)
    await neon.client.call("DELETE", f"/projects/{twin}")

    assert await _has_table(await provider.provision(provision_request))
    await provider.delete(provision_request.tenant)


async def test_a_project_that_is_never_listed_is_deleted(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    with override_behaviour_now(neon):
        neon.add_fault("create_project", "stale_404", reads=NEVER)
        connection = await with_retries(lambda: provider.provision(provision_request))

    assert await can_log_in(connection)
    assert await find_in_inventory(provider, provision_request) == [
        expected_item(provision_request)
    ]
    await provider.delete(provision_request.tenant)


async def _lose_response(
    neon: RunningEmulator, provider: DatabaseProvider, provision_request: ProvisionRequest
) -> None:
    """Create a project whose response is lost and which the lists do not show yet."""
    with override_behaviour_now(neon):
        neon.add_fault("create_project", "stale_404", reads=BEHIND)
        neon.add_fault("create_project", "lost_after")
        with pytest.raises(OutcomeUnknown):
            await provider.provision(provision_request)


async def _create_twin(neon: RunningEmulator, provision_request: ProvisionRequest) -> str:
    """Create a second project of the tenant, as a delayed request would."""
    (name,) = (
        each.name
        for each in neon.emulator.projects.values()
        if provision_request.tenant.id in each.name
    )
    names = provision_request.tenant.names
    branch = {"database_name": names.database, "role_name": names.owner}
    created = await neon.client.wait_until_done(
        await neon.client.create_project(name=name, branch=branch)
    )
    return str(created.body["project"]["id"])


async def _write_table(connection: Connection) -> None:
    async with open_tenant_session(connection) as session:
        await session.execute("CREATE TABLE precious AS SELECT 42 AS number")


async def _has_table(connection: Connection) -> bool:
    async with open_tenant_session(connection) as session:
        return bool(await session.fetchval("SELECT to_regclass('precious') IS NOT NULL"))


def _count_projects(neon: RunningEmulator, provision_request: ProvisionRequest) -> int:
    return sum(
        provision_request.tenant.id in project.name for project in neon.emulator.projects.values()
    )
