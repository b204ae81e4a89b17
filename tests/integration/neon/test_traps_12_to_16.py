"""Neon's traps 12 to 16: operations that fail, keys that see too little, passwords that change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog

from adapters.neon.admin import FRESH
from adapters.neon.errors import NotVisible
from adapters.neon.opening import opened_neon
from adapters.postgres.login_check import PostgresLoginCheck
from domain.errors import OutcomeUnknown
from domain.target import Isolation
from tests.support.clock import FakeClock
from tests.support.databases import held, holding_of, vended
from tests.support.neon.checks import (
    LOGIN,
    left_as_it_was,
    owners_and_databases,
    persistently,
    turned,
    works,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import settings_on, vending_on
from tests.support.orders import new_order, rotated

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])
SHARED = pytest.mark.parametrize("isolation", [NONE, PROJECT])


@pytest.mark.parametrize("how", ["recovering_operation", "unknown_status"])
@pytest.mark.parametrize("call", ["create_role", "create_database", "create_project"])
async def test_traps_12_and_13_an_operation_may_recover_or_be_in_a_strange_state(
    neon: RunningEmulator, call: str, how: str
) -> None:
    isolation = PROJECT if call == "create_project" else NONE
    async with vending_on(neon, isolation) as provider:
        with turned(neon):
            neon.fault(call, how, seconds=0.5)
            async with vended(provider, new_order()) as made:
                assert await works(made)


@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_trap_12_an_operation_that_ended_badly_leaves_nothing_after_a_retirement(
    neon: RunningEmulator, call: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault(call, "failing_operation")
            with pytest.raises(OutcomeUnknown):
                await provider.provision(order)

        await persistently(lambda: provider.retire(order.tenant))
        assert await owners_and_databases(neon, order.tenant) == (0, 0)


@pytest.mark.parametrize("status", [404, 403])
async def test_trap_14_a_project_out_of_sight_is_not_taken_for_an_empty_one(
    neon: RunningEmulator, status: int
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, vended(provider, order):
        with turned(neon, foreign_status=status), _out_of_sight(neon):
            for call in (provider.ping, provider.inventory):
                with pytest.raises(NotVisible):
                    await call()
            with pytest.raises(NotVisible):
                await provider.retire(order.tenant)
            with pytest.raises(NotVisible):
                await provider.provision(order)

        assert await held(provider, order) == [holding_of(order)]


@pytest.mark.parametrize("status", [404, 403])
async def test_trap_14_a_key_that_may_not_drop_a_project_has_not_dropped_it(
    neon: RunningEmulator, status: int
) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, vended(provider, order):
        theirs = max(neon.emulator.projects.values(), key=lambda project: project.number)
        with (
            turned(neon, foreign_status=status),
            _renamed(neon, theirs.id),
            pytest.raises(NotVisible),
        ):
            await provider.retire(order.tenant)

        assert await held(provider, order) == [holding_of(order)]


async def test_trap_15_the_admin_s_password_may_change_at_any_time(neon: RunningEmulator) -> None:
    clock = FakeClock()
    settings = replace(settings_on(neon, ROLE), clock=clock)
    async with opened_neon(settings) as provider:
        await neon.client.done(await neon.client.reset_password("neondb_owner"))
        clock.passed += FRESH + 1
        order = new_order()

        made = await persistently(lambda: provider.provision(order))

        assert await works(made)
        await provider.retire(order.tenant)


@SHARED
async def test_trap_15_a_password_that_somebody_else_changed_is_told_as_it_is(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as before:
        project = max(neon.emulator.projects.values(), key=lambda project: project.number)
        path = f"/projects/{project.id}/branches/{project.branch.id}/roles/{before.user}"
        await neon.client.done(await neon.client.call("POST", f"{path}/reset_password"))

        after = await provider.provision(order)

        assert after.password != before.password
        assert await works(after)


@ALL
async def test_trap_15_no_log_tells_a_password(neon: RunningEmulator, isolation: Isolation) -> None:
    order = new_order()
    with structlog.testing.capture_logs() as logs:
        async with vending_on(neon, isolation) as provider, vended(provider, order) as made:
            turn = await provider.rotate(rotated(order))

    for secret in (made.password, turn.password):
        assert secret.reveal() not in str(logs)
    assert neon.key not in str(logs)


@ALL
async def test_trap_16_a_new_password_is_handed_out_when_it_is_valid(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as before:
        with turned(neon, operation_seconds=0.3):
            after = await provider.rotate(rotated(order))

            await PostgresLoginCheck().verify(after)
            assert not await works(before)


async def test_trap_16_a_login_that_works_a_moment_late_is_waited_for(
    neon: RunningEmulator,
) -> None:
    async with vending_on(neon, NONE) as provider:
        with turned(neon, late_seconds=0.5):
            async with vended(provider, new_order()) as made:
                await LOGIN.verify(made)


@contextmanager
def _out_of_sight(neon: RunningEmulator) -> Iterator[None]:
    """All projects, as for a key that is scoped to another one."""
    projects = dict(neon.emulator.projects)
    neon.emulator.projects.clear()
    try:
        yield
    finally:
        neon.emulator.projects.update(projects)


@contextmanager
def _renamed(neon: RunningEmulator, project_id: str) -> Iterator[None]:
    """A project that is listed, and not found by its id: as for a key that may see it only."""
    project = neon.emulator.projects.pop(project_id)
    neon.emulator.projects["another-id"] = project
    try:
        yield
    finally:
        neon.emulator.projects[project_id] = neon.emulator.projects.pop("another-id")
