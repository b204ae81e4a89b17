"""Creation and deletion on Neon: suspended computes, sessions, limits, stale lists, API keys."""

from dataclasses import replace

import pytest

from adapters.driver.connector import connect
from adapters.neon.admin import PASSWORD_MAX_AGE
from adapters.neon.client import CONNECT_TIMEOUT as API_TIMEOUT
from adapters.neon.startup import open_neon
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.sessions import CONNECT_TIMEOUT, login_from_connection
from domain.errors import OutcomeUnknown, ProviderFull
from domain.targets import Isolation
from tests.support.clock import FakeClock
from tests.support.databases import provisioned_database
from tests.support.neon.checks import (
    LOGIN,
    can_log_in,
    no_changes,
    record_requests,
    with_retries,
)
from tests.support.neon.emulator import RunningEmulator, is_alive, override_behaviour_now
from tests.support.neon.providers import create_config, provider_on
from tests.support.provision_requests import new_provision_request, unique_name

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

ALL = pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])


async def test_a_creation_runs_operations_in_sequence(
    neon: RunningEmulator,
) -> None:
    with override_behaviour_now(neon, operation_seconds=0.3, idle=True):
        async with provider_on(neon, NONE) as provider:
            requests = record_requests(neon)
            async with provisioned_database(provider, new_provision_request()) as connection:
                assert requests.statuses() == [201, 201]
                assert not neon.emulator.first.operations.is_running
                await PostgresLoginCheck().verify(connection)


@ALL
async def test_a_suspended_compute_is_started(neon: RunningEmulator, isolation: Isolation) -> None:
    provision_request = new_provision_request()
    with override_behaviour_now(neon, idle=True):
        async with provider_on(neon, isolation) as provider, no_changes(neon):
            await provider.ping()
            await neon.emulator.first.compute.end_sessions()

            await LOGIN.verify(await with_retries(lambda: provider.provision(provision_request)))

            await neon.emulator.first.compute.end_sessions()
            await with_retries(lambda: provider.delete(provision_request.tenant))


async def test_a_ping_does_not_wake_the_compute(neon: RunningEmulator) -> None:
    compute = neon.emulator.first.compute
    async with provider_on(neon, ROLE) as provider:
        before = await compute.inspect()
        await provider.ping()

        assert (await compute.inspect()).sessions <= before.sessions


def test_timeouts_allow_for_a_computes_start() -> None:
    assert min(CONNECT_TIMEOUT, API_TIMEOUT) >= 10


async def test_a_creation_by_sql_ends_no_session(neon: RunningEmulator) -> None:
    async with (
        provider_on(neon, ROLE) as provider,
        provisioned_database(provider, new_provision_request()) as ana,
    ):
        session = await connect(**login_from_connection(ana))
        async with provisioned_database(provider, new_provision_request()):
            pass

        assert await is_alive(session)
        session.terminate()


async def test_sessions_ended_by_the_api_are_reopened(neon: RunningEmulator) -> None:
    async with (
        provider_on(neon, ROLE) as by_sql,
        provider_on(neon, NONE) as by_api,
        provisioned_database(by_sql, new_provision_request()),
        provisioned_database(by_api, new_provision_request()),
    ):
        provision_request = new_provision_request()
        assert await can_log_in(await with_retries(lambda: by_sql.provision(provision_request)))
        await with_retries(lambda: by_sql.delete(provision_request.tenant))


async def test_the_admins_password_may_change_at_any_time(neon: RunningEmulator) -> None:
    clock, provision_request = FakeClock(), new_provision_request()
    async with open_neon(replace(create_config(neon, ROLE), clock=clock)) as provider:
        await neon.client.wait_until_done(await neon.client.reset_password("neondb_owner"))
        clock.passed += PASSWORD_MAX_AGE + 1

        assert await can_log_in(await with_retries(lambda: provider.provision(provision_request)))
        await provider.delete(provision_request.tenant)


@ALL
async def test_a_database_with_an_unusual_name_and_a_session_is_deleted(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = new_provision_request(unique_name("50% off / #1? a-b_c Ünï 数据库"))
    async with provider_on(neon, isolation) as provider, no_changes(neon):
        session = await connect(
            **login_from_connection(await provider.provision(provision_request))
        )
        try:
            await with_retries(lambda: provider.delete(provision_request.tenant))
        finally:
            session.terminate()


@pytest.mark.parametrize("call", ["delete_database", "delete_role"])
async def test_a_deletion_without_a_response_is_not_repeated(
    neon: RunningEmulator, call: str
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, NONE) as provider, no_changes(neon):
        await provider.provision(provision_request)
        requests = record_requests(neon)
        with override_behaviour_now(neon):
            neon.add_fault(call, "lost_after")
            with pytest.raises(OutcomeUnknown):
                await provider.delete(provision_request.tenant)

        deleted = [path for method, path, _ in requests.all() if method == "DELETE"]
        assert len(deleted) == len(set(deleted))
        await with_retries(lambda: provider.delete(provision_request.tenant))


@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_objects_that_lists_do_not_show_yet_are_deleted(
    neon: RunningEmulator, call: str
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, NONE) as provider, no_changes(neon):
        with override_behaviour_now(neon):
            neon.add_fault(call, "stale_404", reads=3)
            await with_retries(lambda: provider.provision(provision_request))

            await with_retries(lambda: provider.delete(provision_request.tenant))


@pytest.mark.parametrize(
    ("isolation", "limit"),
    [(NONE, "roles_limit"), (NONE, "databases_limit"), (PROJECT, "projects_limit")],
)
async def test_a_full_project_or_account_is_reported(
    neon: RunningEmulator, isolation: Isolation, limit: str
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, isolation) as provider, no_changes(neon):
        with override_behaviour_now(neon, **{limit: 1}), pytest.raises(ProviderFull):
            await provider.provision(provision_request)

        await with_retries(lambda: provider.delete(provision_request.tenant))


@pytest.mark.parametrize(
    ("isolation", "most", "polls"), [(NONE, 2, 4), (ROLE, 1, 0), (PROJECT, 7, 10)]
)
async def test_a_creation_sends_few_requests(
    neon: RunningEmulator, isolation: Isolation, most: int, polls: int
) -> None:
    """By the API: lists, changes and a few polls of two operations."""
    with override_behaviour_now(neon, operation_seconds=0.3):
        async with provider_on(neon, isolation) as provider:
            async with provisioned_database(provider, new_provision_request()):
                pass  # the provider learns the durations of operations
            requests = record_requests(neon)
            async with provisioned_database(provider, new_provision_request()):
                sent = requests.all()

    about_operations = [path for _, path, _ in sent if "/operations" in path]
    assert len(about_operations) <= polls
    assert len(sent) - len(about_operations) <= most
