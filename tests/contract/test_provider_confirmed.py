"""The contract of a provider: a call that another process superseded changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from domain.errors import StaleRecord
from domain.provisioning import ProvisionRequest
from ports.driven.database_provider import DatabaseProvider
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import find_in_inventory, provisioned_database
from tests.support.doubles import PATIENCE
from tests.support.provision_requests import new_provision_request, refuse, with_next_password

Change = Callable[[DatabaseProvider, ProvisionRequest], Awaitable[object]]

CHANGES: dict[str, Change] = {
    "provision": lambda provider, request: provider.provision(with_next_password(request)),
    "rotate": lambda provider, request: provider.rotate(with_next_password(request)),
    "suspend": lambda provider, request: provider.suspend(request.tenant, request.confirm),
    "delete": lambda provider, request: provider.delete(request.tenant, request.confirm),
}

PINGS = 10
"""Calls that give another one the time to end, unless it waits."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
async def test_a_superseded_call_changes_nothing(setup: ProviderSetup, change: Change) -> None:
    provision_request = new_provision_request()
    async with provisioned_database(setup.provider, provision_request) as connection:
        with pytest.raises(StaleRecord):
            await change(setup.provider, replace(provision_request, confirm=refuse))
        await setup.login_check.verify(connection)


async def test_a_superseded_creation_creates_nothing(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    with pytest.raises(StaleRecord):
        await setup.provider.provision(replace(provision_request, confirm=refuse))
    assert await find_in_inventory(setup.provider, provision_request) == []


async def test_a_confirmed_call_ends_before_the_next_one_is_confirmed(
    setup: ProviderSetup,
) -> None:
    provision_request = new_provision_request()
    is_confirming, may_go_on = asyncio.Event(), asyncio.Event()

    async def confirm() -> None:
        is_confirming.set()
        await may_go_on.wait()

    async with provisioned_database(setup.provider, provision_request):
        slow = replace(with_next_password(provision_request), confirm=confirm)
        earlier = asyncio.create_task(setup.provider.rotate(slow))
        async with asyncio.timeout(PATIENCE):
            await is_confirming.wait()
        newest = with_next_password(provision_request, rotation=2)
        later = asyncio.create_task(setup.provider.rotate(newest))
        for _ in range(PINGS):
            await setup.provider.ping()
            await asyncio.sleep(0)
        may_go_on.set()
        await earlier
        await setup.login_check.verify(await later)
