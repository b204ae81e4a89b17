"""Creation and deletion on Neon: suspended computes, sessions, limits, stale lists, API keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.driver.connector import connect
from adapters.neon.admin import FRESH
from adapters.neon.client import CONNECT_TIMEOUT as API_TIMEOUT
from adapters.neon.errors import NotVisible
from adapters.neon.startup import opened_neon
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import CONNECT_TIMEOUT, login_of
from domain.errors import OutcomeUnknown, ProviderFull
from domain.targets import Isolation
from entrypoints.neon_emulator.state.project import Project
from tests.support.clock import FakeClock
from tests.support.databases import held, holding_of, vended
from tests.support.neon.checks import (
    LOGIN,
    left_as_it_was,
    persistently,
    requests_to,
    turned,
    works,
)
from tests.support.neon.emulator import RunningEmulator, is_alive
from tests.support.neon.providers import settings_on, vending_on
from tests.support.provision_requests import new_order, unique_name

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])


async def test_a_creation_runs_operations_in_sequence(
    neon: RunningEmulator,
) -> None:
    with turned(neon, operation_seconds=0.3, idle=True):
        async with vending_on(neon, NONE) as provider:
            asked = requests_to(neon)
            async with vended(provider, new_order()) as connection:
                assert asked.statuses() == [201, 201]
                assert not neon.emulator.first.operations.running
                await PostgresLoginCheck().verify(connection)


@ALL
async def test_a_suspended_compute_is_started(neon: RunningEmulator, isolation: Isolation) -> None:
    order = new_order()
    with turned(neon, idle=True):
        async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
            await provider.ping()
            await neon.emulator.first.compute.end_sessions()

            await LOGIN.verify(await persistently(lambda: provider.provision(order)))

            await neon.emulator.first.compute.end_sessions()
            await persistently(lambda: provider.delete(order.tenant))


async def test_a_ping_does_not_wake_the_compute(neon: RunningEmulator) -> None:
    compute = neon.emulator.first.compute
    async with vending_on(neon, ROLE) as provider:
        seen = await compute.look()
        await provider.ping()

        assert (await compute.look()).guests <= seen.guests


def test_timeouts_allow_for_a_computes_start() -> None:
    assert min(CONNECT_TIMEOUT, API_TIMEOUT) >= 10


async def test_a_creation_by_sql_ends_no_session(neon: RunningEmulator) -> None:
    async with vending_on(neon, ROLE) as provider, vended(provider, new_order()) as ana:
        session = await connect(**login_of(ana))
        async with vended(provider, new_order()):
            pass

        assert await is_alive(session)
        session.terminate()


async def test_sessions_ended_by_the_api_are_reopened(neon: RunningEmulator) -> None:
    async with (
        vending_on(neon, ROLE) as by_sql,
        vending_on(neon, NONE) as by_api,
        vended(by_sql, new_order()),
        vended(by_api, new_order()),
    ):
        order = new_order()
        assert await works(await persistently(lambda: by_sql.provision(order)))
        await persistently(lambda: by_sql.delete(order.tenant))


async def test_the_admins_password_may_change_at_any_time(neon: RunningEmulator) -> None:
    clock, order = FakeClock(), new_order()
    async with opened_neon(replace(settings_on(neon, ROLE), clock=clock)) as provider:
        await neon.client.wait_until_done(await neon.client.reset_password("neondb_owner"))
        clock.passed += FRESH + 1

        assert await works(await persistently(lambda: provider.provision(order)))
        await provider.delete(order.tenant)


@ALL
async def test_a_database_with_an_unusual_name_and_a_session_is_deleted(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order(unique_name("50% off / #1? a-b_c Ünï 数据库"))
    async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
        session = await connect(**login_of(await provider.provision(order)))
        try:
            await persistently(lambda: provider.delete(order.tenant))
        finally:
            session.terminate()


@pytest.mark.parametrize("call", ["delete_database", "delete_role"])
async def test_a_deletion_without_a_response_is_not_repeated(
    neon: RunningEmulator, call: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        await provider.provision(order)
        asked = requests_to(neon)
        with turned(neon):
            neon.fault(call, "lost_after")
            with pytest.raises(OutcomeUnknown):
                await provider.delete(order.tenant)

        deleted = [path for method, path, _ in asked.all() if method == "DELETE"]
        assert len(deleted) == len(set(deleted))
        await persistently(lambda: provider.delete(order.tenant))


@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_objects_that_lists_do_not_show_yet_are_deleted(
    neon: RunningEmulator, call: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon):
            neon.fault(call, "stale_404", reads=3)
            await persistently(lambda: provider.provision(order))

            await persistently(lambda: provider.delete(order.tenant))


@pytest.mark.parametrize(
    ("isolation", "limit"),
    [(NONE, "roles_limit"), (NONE, "databases_limit"), (PROJECT, "projects_limit")],
)
async def test_a_full_project_or_account_is_reported(
    neon: RunningEmulator, isolation: Isolation, limit: str
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, left_as_it_was(neon):
        with turned(neon, **{limit: 1}), pytest.raises(ProviderFull):
            await provider.provision(order)

        await persistently(lambda: provider.delete(order.tenant))


@pytest.mark.parametrize(
    ("isolation", "most", "polls"), [(NONE, 4, 6), (ROLE, 1, 0), (PROJECT, 7, 10)]
)
async def test_a_creation_sends_few_requests(
    neon: RunningEmulator, isolation: Isolation, most: int, polls: int
) -> None:
    """By the API: lists, changes and a few polls of two operations."""
    with turned(neon, operation_seconds=0.3):
        async with vending_on(neon, isolation) as provider:
            async with vended(provider, new_order()):
                pass  # the provider learns the durations of operations
            asked = requests_to(neon)
            async with vended(provider, new_order()):
                requests = asked.all()

    about_operations = [path for _, path, _ in requests if "/operations/" in path]
    assert len(about_operations) <= polls
    assert len(requests) - len(about_operations) <= most


@pytest.mark.parametrize("status", [404, 403])
async def test_an_invisible_project_is_not_treated_as_empty(
    neon: RunningEmulator, status: int
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, vended(provider, order):
        calls = (
            provider.ping,
            provider.inventory,
            lambda: provider.delete(order.tenant),
            lambda: provider.provision(order),
        )
        with turned(neon, foreign_status=status), _out_of_sight(neon):
            for call in calls:
                with pytest.raises(NotVisible):
                    await call()

        assert await held(provider, order) == [holding_of(order)]


@pytest.mark.parametrize("status", [404, 403])
async def test_a_project_that_the_key_may_not_delete_remains(
    neon: RunningEmulator, status: int
) -> None:
    order = new_order()
    async with vending_on(neon, PROJECT) as provider, vended(provider, order):
        with (
            turned(neon, foreign_status=status),
            _renamed(neon, neon.newest()),
            pytest.raises(NotVisible),
        ):
            await provider.delete(order.tenant)

        assert await held(provider, order) == [holding_of(order)]


@contextmanager
def _out_of_sight(neon: RunningEmulator) -> Iterator[None]:
    """Hide all projects, as from a key that is limited to another one."""
    projects = dict(neon.emulator.projects)
    neon.emulator.projects.clear()
    try:
        yield
    finally:
        neon.emulator.projects.update(projects)


@contextmanager
def _renamed(neon: RunningEmulator, project: Project) -> Iterator[None]:
    """List a project that is not found by its id, as for a key that may only see it."""
    projects = neon.emulator.projects
    projects["another-id"] = projects.pop(project.id)
    try:
        yield
    finally:
        projects[project.id] = projects.pop("another-id")
