"""Neon's traps 17 to 22: pages, flags, names, caps, the budget of requests, sleeping computes."""

from dataclasses import replace

import pytest

from adapters.neon.client import CONNECT_TIMEOUT as API_TIMEOUT
from adapters.neon.opening import opened_neon
from adapters.postgres.sessions import CONNECT_TIMEOUT
from domain.errors import ProviderFull
from domain.target import Isolation
from tests.support.databases import held, holding_of, vended
from tests.support.neon.checks import (
    LOGIN,
    left_as_it_was,
    persistently,
    requests_to,
    turned,
    works,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import settings_on, vending_on
from tests.support.orders import new_order, unique_name

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])


async def test_trap_17_the_list_of_projects_is_read_to_its_end(neon: RunningEmulator) -> None:
    first, second = new_order(), new_order()
    with turned(neon, page_size=1):
        async with (
            vending_on(neon, PROJECT) as provider,
            vended(provider, first),
            vended(provider, second),
        ):
            assert await held(provider, first) == [holding_of(first)]
            assert await held(provider, second) == [holding_of(second)]


async def test_trap_18_a_branch_is_known_by_its_flag_or_its_id_whatever_its_name(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, vended(provider, order) as made:
        project = max(neon.emulator.projects.values(), key=lambda project: project.number)
        project.branch.name = "production"

        assert await provider.provision(order) == made


@pytest.mark.parametrize("nickname", ["Ünï cödé", "a-b_c", "x" * 200, "数据库", "50% off / #1?"])
@ALL
async def test_trap_19_odd_names_are_vended_and_retired(
    neon: RunningEmulator, isolation: Isolation, nickname: str
) -> None:
    order = new_order(unique_name(nickname))
    async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
        made = await provider.provision(order)

        assert await works(made)
        await persistently(lambda: provider.retire(order.tenant))


@pytest.mark.parametrize("knob", ["roles_limit", "databases_limit"])
async def test_trap_20_a_full_branch_is_said_to_be_full_and_stays_as_it_was(
    neon: RunningEmulator, knob: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon, **{knob: 1}), pytest.raises(ProviderFull):
            await provider.provision(order)

        await persistently(lambda: provider.retire(order.tenant))


async def test_trap_20_a_full_account_is_said_to_be_full(neon: RunningEmulator) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, left_as_it_was(neon):
        with turned(neon, projects_limit=1), pytest.raises(ProviderFull):
            await provider.provision(order)

        await provider.retire(order.tenant)


async def test_trap_21_a_vend_asks_seldom(neon: RunningEmulator) -> None:
    with turned(neon, operation_seconds=0.3):
        async with vending_on(neon, NONE) as provider:
            async with vended(provider, new_order()):
                pass
            asked = requests_to(neon)
            order = new_order()
            await provider.provision(order)
            requests = asked.all()
            await provider.retire(order.tenant)

    polls = [path for _, path, _ in requests if "/operations/" in path]
    assert len(polls) <= 6  # of two operations
    assert len(requests) - len(polls) <= 4  # two lists, two changes


async def test_trap_21_a_vend_by_sql_asks_hardly_anything(neon: RunningEmulator) -> None:
    async with vending_on(neon, ROLE) as provider:
        asked = requests_to(neon)
        async with vended(provider, new_order()):
            pass

    assert asked.changes() == []
    assert len(asked.all()) <= 1


@ALL
async def test_trap_22_a_compute_that_falls_asleep_is_no_obstacle(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    with turned(neon, idle=True):
        async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
            await provider.ping()
            await neon.emulator.first.compute.end_sessions()

            made = await persistently(lambda: provider.provision(order))
            await LOGIN.verify(made)

            await neon.emulator.first.compute.end_sessions()
            await persistently(lambda: provider.retire(order.tenant))


async def test_trap_22_a_ping_wakes_no_compute(neon: RunningEmulator) -> None:
    async with vending_on(neon, ROLE) as provider:
        seen = await neon.emulator.first.compute.look()
        await provider.ping()

        assert (await neon.emulator.first.compute.look()).guests <= seen.guests


def test_trap_22_a_first_connection_has_the_time_that_waking_takes() -> None:
    assert CONNECT_TIMEOUT >= 10
    assert API_TIMEOUT >= 10


async def test_trap_22_our_own_sessions_go_past_the_pooler(neon: RunningEmulator) -> None:
    """It has no place for what a session remembers; the emulator has no pooler at all."""
    settings = settings_on(neon, ROLE)
    behind = replace(settings.place, host="127-pooler.0.0.1")
    async with (
        opened_neon(replace(settings, place=behind)) as provider,
        vended(provider, new_order()) as made,
    ):
        assert made.host == behind.host
