"""Neon's traps 1 to 4: promises for deeds, locks, and lost answers."""

import asyncio

import pytest
import structlog

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.errors import OutcomeUnknown, ProviderLocked
from domain.target import Isolation
from entrypoints.neon_parts import cared_for
from ports.driven.database_provider import DatabaseProvider
from tests.support.databases import vended
from tests.support.neon.checks import (
    left_as_it_was,
    owners_and_databases,
    persistently,
    requests_to,
    turned,
    works,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

LOST = ("lost_after", "failed_after", "gateway_html", "garbage")


async def test_trap_01_a_vend_ends_when_every_operation_has(neon: RunningEmulator) -> None:
    with turned(neon, operation_seconds=0.3, idle=True):
        async with vending_on(neon, NONE) as provider, vended(provider, new_order()) as made:
            assert not neon.emulator.first.operations.running
            await PostgresLoginCheck().verify(made)


async def test_trap_01_a_new_project_is_handed_out_when_it_is_there(neon: RunningEmulator) -> None:
    with turned(neon, operation_seconds=0.3, start_compute_seconds=0.3):
        async with vending_on(neon, PROJECT) as provider, vended(provider, new_order()) as made:
            await PostgresLoginCheck().verify(made)


async def test_trap_02_a_database_is_asked_for_when_its_owner_is_there(
    neon: RunningEmulator,
) -> None:
    with turned(neon, operation_seconds=0.3):
        async with vending_on(neon, NONE) as provider:
            asked = requests_to(neon)
            async with vended(provider, new_order()):
                assert asked.statuses() == [201, 201]


async def test_trap_03_vends_at_once_wait_for_each_other(neon: RunningEmulator) -> None:
    orders = [new_order() for _ in range(6)]
    async with vending_on(neon, NONE) as bare, left_as_it_was(neon):
        provider = _queued(bare)
        asked = requests_to(neon)

        made = await asyncio.gather(*map(provider.provision, orders))

        assert all(await asyncio.gather(*map(works, made)))
        assert 423 not in asked.statuses()
        await asyncio.gather(*(provider.retire(order.tenant) for order in orders))


async def test_trap_03_a_lock_of_somebody_else_s_is_waited_for(neon: RunningEmulator) -> None:
    async with vending_on(neon, NONE) as bare:
        provider = _queued(bare)
        with turned(neon):
            neon.emulator.first.operations.hold(0.6)
            asked = requests_to(neon)

            async with vended(provider, new_order()) as made:
                assert await works(made)

            assert 423 in asked.statuses()


async def test_trap_03_a_lock_for_ever_ends_in_an_error_with_nothing_made(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.emulator.first.operations.hold(None)
            with pytest.raises(ProviderLocked):
                await provider.provision(order)

        await provider.retire(order.tenant)


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_trap_04_a_lost_answer_leads_to_one_role_and_one_database(
    neon: RunningEmulator, call: str, how: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault(call, how)
            made = await persistently(lambda: provider.provision(order))

        assert await works(made)
        assert await owners_and_databases(neon, order.tenant) == (1, 1)
        await persistently(lambda: provider.retire(order.tenant))


@pytest.mark.parametrize("how", LOST)
async def test_trap_04_a_lost_answer_leads_to_one_project(neon: RunningEmulator, how: str) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, left_as_it_was(neon):
        before = len(neon.emulator.projects)
        with turned(neon):
            neon.fault("create_project", how)
            made = await persistently(lambda: provider.provision(order))

        assert await works(made)
        assert len(neon.emulator.projects) == before + 1
        await persistently(lambda: provider.retire(order.tenant))


@pytest.mark.parametrize("call", ["delete_database", "delete_role"])
async def test_trap_04_a_lost_deletion_is_not_repeated_blindly(
    neon: RunningEmulator, call: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        await provider.provision(order)
        asked = requests_to(neon)
        with turned(neon):
            neon.fault(call, "lost_after")
            with pytest.raises(OutcomeUnknown):
                await provider.retire(order.tenant)

        deleted = [path for method, path, _ in asked.all() if method == "DELETE"]
        assert len(deleted) == len(set(deleted))
        await persistently(lambda: provider.retire(order.tenant))


@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_trap_04_what_the_lists_do_not_show_yet_is_retired_all_the_same(
    neon: RunningEmulator, call: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault(call, "stale_404", reads=3)
            await persistently(lambda: provider.provision(order))

            await persistently(lambda: provider.retire(order.tenant))


async def test_trap_04_a_project_that_is_not_shown_yet_is_not_made_twice(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault("create_project", "stale_404", reads=3)
            made = await persistently(lambda: provider.provision(order))

            assert await works(made)
            await persistently(lambda: provider.retire(order.tenant))


def _queued(bare: DatabaseProvider) -> DatabaseProvider:
    clock, log = SystemClock(), structlog.get_logger()
    return cared_for(bare, NONE, clock, SystemRandomness(), log)
