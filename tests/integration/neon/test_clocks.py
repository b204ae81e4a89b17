"""Databases are recognized although the clocks of Neon's control plane and computes differ."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from adapters.system.clock import SystemClock
from domain.targets import Isolation
from tests.support.databases import held, holding_of
from tests.support.neon.checks import left_as_it_was
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import vending_on
from tests.support.polling import moment_of
from tests.support.provision_requests import new_order, rotated


class Skewed(SystemClock):
    """The system clock, `seconds` ahead."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture(scope="module", params=[-20, 20, 600], ids=lambda ahead: f"{ahead} s")
async def skewed(request: pytest.FixtureRequest) -> AsyncIterator[RunningEmulator]:
    """An emulator whose control plane is ahead of its computes by some seconds."""
    async with running_emulator(clock=Skewed(request.param), checked=False) as running:
        yield running


async def test_a_database_is_found_changed_and_deleted_with_skewed_clocks(
    skewed: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(skewed, Isolation.NONE) as provider, left_as_it_was(skewed):
        connection = await provider.provision(order)

        assert await held(provider, order) == [holding_of(order)]
        assert await provider.provision(order) == connection
        assert (await provider.rotate(rotated(order))).user == connection.user
        await provider.delete(order.tenant)
        assert await held(provider, order) == []


async def test_a_cancelled_creation_is_deleted_with_skewed_clocks(skewed: RunningEmulator) -> None:
    order = new_order()
    roles, owner = skewed.emulator.first.roles, order.tenant.names.owner
    async with vending_on(skewed, Isolation.NONE) as provider, left_as_it_was(skewed):
        call = asyncio.ensure_future(provider.provision(order))
        await moment_of(lambda: roles.find(owner) is not None)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await skewed.emulator.first.operations.idle()

        await provider.delete(order.tenant)
