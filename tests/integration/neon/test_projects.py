"""A project for each database: the tenant's only one, whatever is lost or shows late."""

import asyncio

import pytest

from domain.errors import OutcomeUnknown, ProviderRejected
from domain.order import Order
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import held, holding_of
from tests.support.moments import moment_of
from tests.support.neon.checks import left_as_it_was, persistently, requests_to, turned, works
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.twins import has_something, hurriedly_on, keep_something, make_twin
from tests.support.orders import new_order, rotated

BEHIND, NEVER = 4, 1000
"""Reads that do not show a new project yet: few enough to wait for, and too many."""


async def test_a_lost_answer_and_lists_that_are_behind_lead_to_one_project(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        await _lose(neon, provider, order)
        made = await provider.provision(order)

        assert await works(made)
        assert _projects_of(neon, order) == 1
        await provider.retire(order.tenant)


async def test_what_is_kept_after_a_lost_answer_stays_through_later_calls(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        await _lose(neon, provider, order)
        await keep_something(await provider.provision(order))

        await provider.rotate(rotated(order))

        assert await has_something(await provider.provision(order))
        await provider.retire(order.tenant)


async def test_of_two_projects_none_is_handed_out_and_none_is_dropped(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        made = await provider.provision(order)
        await keep_something(made)
        await make_twin(neon, order)

        for refused in (provider.provision(order), provider.rotate(rotated(order))):
            with pytest.raises(ProviderRejected, match=f"2 Neon projects for {order.tenant.id}"):
                await refused

        assert _projects_of(neon, order) == 2
        assert await has_something(made)
        await provider.retire(order.tenant)


async def test_a_twin_that_was_deleted_leaves_the_other_as_it_was(neon: RunningEmulator) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        await keep_something(await provider.provision(order))
        await make_twin(neon, order)
        twin = max(neon.emulator.projects.values(), key=lambda project: project.number)
        await neon.client.call("DELETE", f"/projects/{twin.id}")

        assert await has_something(await provider.provision(order))
        await provider.retire(order.tenant)


async def test_a_retirement_drops_both_of_two_projects(neon: RunningEmulator) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        await provider.provision(order)
        await make_twin(neon, order)

        await provider.retire(order.tenant)


async def test_a_project_that_nobody_waited_for_is_retired_although_lists_are_behind(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault("create_project", "stale_404", reads=BEHIND)
            vend = asyncio.ensure_future(provider.provision(order))
            await moment_of(lambda: _projects_of(neon, order) == 1)
            vend.cancel()
            with pytest.raises(asyncio.CancelledError):
                await vend

            await provider.retire(order.tenant)


async def test_a_project_whose_answer_was_lost_is_retired_although_lists_are_behind(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        await _lose(neon, provider, order)

        await provider.retire(order.tenant)


async def test_a_project_that_is_never_listed_is_not_left_behind(neon: RunningEmulator) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault("create_project", "stale_404", reads=NEVER)
            made = await persistently(lambda: provider.provision(order))

        assert await works(made)
        assert await held(provider, order) == [holding_of(order)]
        await provider.retire(order.tenant)


async def test_a_project_whose_making_failed_goes_away_and_the_next_one_works(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault("create_project", "failing_operation")
            with pytest.raises(OutcomeUnknown):
                await provider.provision(order)
        assert _projects_of(neon, order) == 0

        assert await works(await provider.provision(order))
        await provider.retire(order.tenant)


async def test_a_vend_takes_few_requests_beside_those_about_its_operations(
    neon: RunningEmulator,
) -> None:
    """How often one asks whether an operation has ended, depends on how long it takes."""
    order = new_order()
    async with hurriedly_on(neon) as provider, left_as_it_was(neon):
        asked = requests_to(neon)
        await provider.provision(order)

        assert len([path for _, path, _ in asked.all() if "/operations/" not in path]) <= 7
        await provider.retire(order.tenant)


async def _lose(neon: RunningEmulator, provider: DatabaseProvider, order: Order) -> None:
    """Have a project made whose answer is lost, and that the lists do not show yet."""
    with turned(neon):
        neon.fault("create_project", "stale_404", reads=BEHIND)
        neon.fault("create_project", "lost_after")
        with pytest.raises(OutcomeUnknown):
            await provider.provision(order)


def _projects_of(neon: RunningEmulator, order: Order) -> int:
    return sum(order.tenant.id in project.name for project in neon.emulator.projects.values())
