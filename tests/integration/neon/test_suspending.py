"""Shutting out, where passwords are Neon's: a new one that nobody is told, until it is."""

import pytest

from domain.errors import OutcomeUnknown
from domain.target import Isolation
from tests.support.databases import vended
from tests.support.neon.checks import left_as_it_was, persistently, requests_to, turned, works
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.neon.twins import has_something, hurriedly_on, keep_something, make_twin
from tests.support.orders import new_order

FAULTS = ("lost_after", "failed_after", "reset_before", "unavailable", "failing_operation")

by_the_api = pytest.mark.parametrize("isolation", [Isolation.NONE, Isolation.PROJECT])


@by_the_api
async def test_one_password_is_changed_and_nothing_else(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order):
        asked = requests_to(neon)
        await provider.suspend(order.tenant)

        ((method, path, _),) = asked.changes()
        assert (method, path.rsplit("/", 1)[1]) == ("POST", "reset_password")
        assert order.tenant.names.owner in path


@by_the_api
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_suspension_that_failed_is_repeated_until_it_holds(
    neon: RunningEmulator, isolation: Isolation, fault: str
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as made:
        with turned(neon):
            neon.fault("reset_password", fault)
            await persistently(lambda: provider.suspend(order.tenant))

        assert not await works(made)
        assert await works(await persistently(lambda: provider.provision(order)))


@by_the_api
async def test_an_answer_that_is_lost_counts_as_not_done(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order):
        with turned(neon):
            neon.fault("reset_password", "lost_after")
            with pytest.raises(OutcomeUnknown):
                await provider.suspend(order.tenant)
        await neon.emulator.first.operations.idle()


async def test_where_neon_keeps_no_passwords_a_new_one_lets_in_again(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, Isolation.NONE) as provider, vended(provider, order) as made:
        with turned(neon, store_passwords=False):
            await provider.suspend(order.tenant)
            assert not await works(made)
            assert await works(await provider.provision(order))


async def test_of_two_projects_nobody_gets_into_either_and_none_is_dropped(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        made = await provider.provision(order)
        await keep_something(made)
        await make_twin(neon, order)
        asked = requests_to(neon)

        await provider.suspend(order.tenant)

        assert len({path for _, path, _ in asked.changes()}) == 2
        assert not await works(made)
        await provider.retire(order.tenant)


async def test_a_project_keeps_what_is_in_it(neon: RunningEmulator) -> None:
    order = new_order()
    async with vending_on(neon, Isolation.PROJECT) as provider, vended(provider, order) as made:
        await keep_something(made)
        await provider.suspend(order.tenant)

        assert await has_something(await provider.provision(order))
