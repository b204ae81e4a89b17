"""Databases are recognized although the clocks of Neon's control plane and computes differ."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from adapters.system.clock import SystemClock
from domain.targets import Isolation
from tests.support.databases import expected_item, find_in_inventory
from tests.support.neon.checks import no_changes
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import provider_on
from tests.support.polling import wait_without_delay
from tests.support.provision_requests import new_provision_request, with_next_password


class SkewedClock(SystemClock):
    """The system clock, `seconds` ahead."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture(scope="module", params=[-20, 20, 600], ids=lambda ahead: f"{ahead} s")
async def skewed_neon(request: pytest.FixtureRequest) -> AsyncIterator[RunningEmulator]:
    """An emulator whose control plane is ahead of its computes by some seconds."""
    async with running_emulator(clock=SkewedClock(request.param), checked=False) as running:
        yield running


async def test_a_database_is_found_changed_and_deleted_with_skewed_clocks(
    skewed_neon: RunningEmulator,
) -> None:
    provision_request = new_provision_request()
    async with provider_on(skewed_neon, Isolation.NONE) as provider, no_changes(skewed_neon):
        connection = await provider.provision(provision_request)

        assert await find_in_inventory(provider, provision_request) == [
            expected_item(provision_request)
        ]
        assert await provider.provision(provision_request) == connection
        assert (
            await provider.rotate(with_next_password(provision_request))
        ).user == connection.user
        await provider.delete(provision_request.tenant)
        assert await find_in_inventory(provider, provision_request) == []


async def test_a_cancelled_creation_is_deleted_with_skewed_clocks(
    skewed_neon: RunningEmulator,
) -> None:
    provision_request = new_provision_request()
    roles, owner = skewed_neon.emulator.first.roles, provision_request.tenant.names.owner
    async with provider_on(skewed_neon, Isolation.NONE) as provider, no_changes(skewed_neon):
        call = asyncio.ensure_future(provider.provision(provision_request))
        await wait_without_delay(lambda: roles.find(owner) is not None)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await skewed_neon.emulator.first.operations.wait_until_idle()

        await provider.delete(provision_request.tenant)
