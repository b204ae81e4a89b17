"""Clocks of Neon's control plane and of its computes that differ: ours is ours all the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from adapters.system.clock import SystemClock
from domain.target import Isolation
from tests.support.databases import held, holding_of
from tests.support.neon.checks import left_as_it_was
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order, rotated
from tests.support.polling import moment_of


class Skewed(SystemClock):
    """Goes as fast as any, and is `seconds` ahead."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture(scope="module", params=[-20, 20, 600], ids=lambda ahead: f"{ahead} s")
async def skewed(request: pytest.FixtureRequest) -> AsyncIterator[RunningEmulator]:
    """Neon whose control plane is so many seconds ahead of its computes."""
    async with running_emulator(clock=Skewed(request.param), checked=False) as running:
        yield running


async def test_a_database_is_found_changed_and_deleted_with_skewed_clocks(
    skewed: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(skewed, Isolation.NONE) as provider, left_as_it_was(skewed):
        made = await provider.provision(order)

        assert await held(provider, order) == [holding_of(order)]
        assert await provider.provision(order) == made
        assert (await provider.rotate(rotated(order))).user == made.user
        await provider.delete(order.tenant)
        assert await held(provider, order) == []


async def test_a_cancelled_creation_is_deleted_with_skewed_clocks(skewed: RunningEmulator) -> None:
    order = new_order()
    roles, owner = skewed.emulator.first.roles, order.tenant.names.owner
    async with vending_on(skewed, Isolation.NONE) as provider, left_as_it_was(skewed):
        vend = asyncio.ensure_future(provider.provision(order))
        await moment_of(lambda: roles.find(owner) is not None)
        vend.cancel()
        with pytest.raises(asyncio.CancelledError):
            await vend
        await skewed.emulator.first.operations.idle()

        await provider.delete(order.tenant)
