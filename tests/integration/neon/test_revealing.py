"""Telling a connection again, where passwords are Neon's."""

import pytest

from domain.errors import ProviderRejected
from domain.target import Isolation
from tests.support.databases import vended
from tests.support.neon.checks import requests_to, turned, works
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order, rotated

by_the_api = pytest.mark.parametrize("isolation", [Isolation.NONE, Isolation.PROJECT])


@pytest.mark.parametrize("isolation", [Isolation.NONE, Isolation.ROLE, Isolation.PROJECT])
async def test_nothing_is_changed(neon: RunningEmulator, isolation: Isolation) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as made:
        asked = requests_to(neon)

        assert await provider.reveal(order) == made
        assert asked.changes() == []


@by_the_api
async def test_a_lock_is_not_waited_for(neon: RunningEmulator, isolation: Isolation) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as made:
        with turned(neon):
            neon.emulator.first.operations.hold(None)

            assert await provider.reveal(order) == made


async def test_by_sql_nobody_is_asked(neon: RunningEmulator) -> None:
    order = new_order()
    async with vending_on(neon, Isolation.ROLE) as provider, vended(provider, order) as made:
        asked = requests_to(neon)

        assert await provider.reveal(order) == made
        assert asked.all() == []


@by_the_api
async def test_a_password_that_neon_does_not_keep_stays_as_it_is(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as made:
        with (
            turned(neon, store_passwords=False),
            pytest.raises(ProviderRejected, match="stored passwords"),
        ):
            await provider.reveal(order)

        assert await works(made)


async def test_a_new_password_that_neon_does_not_keep_is_the_one_that_works(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, Isolation.NONE) as provider, vended(provider, order):
        with turned(neon, store_passwords=False):
            assert await works(await provider.rotate(rotated(order)))


async def test_a_project_that_cannot_tell_its_address_keeps_its_password(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, Isolation.PROJECT) as provider, vended(provider, order) as made:
        with turned(neon, store_passwords=False), pytest.raises(ProviderRejected):
            await provider.rotate(rotated(order))

        assert await works(made)
