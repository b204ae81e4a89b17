"""Neon's passwords: revealed, reset if Neon does not store them, and reset to suspend a tenant."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected
from domain.targets import Isolation
from tests.support.databases import provisioned_database
from tests.support.neon.checks import (
    can_log_in,
    no_changes,
    record_requests,
    with_retries,
)
from tests.support.neon.emulator import RunningEmulator, override_behaviour_now
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import new_provision_request, with_next_password

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

BY_API = pytest.mark.parametrize("isolation", [NONE, PROJECT])

SUSPENSION_FAULTS = {
    "lost_after": OutcomeUnknown,
    "failed_after": OutcomeUnknown,
    "reset_before": OutcomeUnknown,
    "unavailable": ProviderBusy,
    "failing_operation": OutcomeUnknown,
}


@pytest.mark.parametrize("isolation", [NONE, ROLE, PROJECT])
async def test_revealing_changes_nothing_and_ignores_the_lock(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    """With isolation `role`, the provider sends no request at all."""
    provision_request = new_provision_request()
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        requests = record_requests(neon)
        with override_behaviour_now(neon):
            neon.emulator.first.operations.lock(None)

            assert await provider.reveal(provision_request) == connection
        assert requests.changes() == []
        assert (requests.all() == []) is (isolation is ROLE)


@BY_API
async def test_a_password_that_is_not_stored_is_not_revealed_or_changed(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        with (
            override_behaviour_now(neon, store_passwords=False),
            pytest.raises(ProviderRejected, match="stored passwords"),
        ):
            await provider.reveal(provision_request)

        assert await can_log_in(connection)


@BY_API
async def test_without_stored_passwords_a_rotation_works_or_changes_nothing(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    """A project has no connection URI then, so that the rotation is refused."""
    provision_request = new_provision_request()
    refusal: AbstractContextManager[object] = nullcontext()
    if isolation is PROJECT:
        refusal = pytest.raises(ProviderRejected)
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request) as before,
    ):
        after = before
        with override_behaviour_now(neon, store_passwords=False), refusal:
            after = await provider.rotate(with_next_password(provision_request))

        assert await can_log_in(after)


@pytest.mark.parametrize(
    ("stored", "route"), [(True, "reveal_password"), (False, "reset_password")]
)
@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_after_a_lost_response_the_password_is_revealed_or_reset(
    neon: RunningEmulator, call: str, stored: bool, route: str
) -> None:
    provision_request = new_provision_request()
    async with provider_on(neon, NONE) as provider, no_changes(neon):
        with override_behaviour_now(neon, store_passwords=stored, operation_seconds=0.3):
            neon.add_fault(call, "lost_after")
            requests = record_requests(neon)
            assert await can_log_in(
                await with_retries(lambda: provider.provision(provision_request))
            )
            assert [
                path for _, path, status in requests.all() if path.endswith(route) and status == 200
            ]
            await provider.delete(provision_request.tenant)


@BY_API
async def test_a_password_reset_by_another_client_is_returned(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request) as before,
    ):
        project = neon.get_newest_project()
        path = f"/projects/{project.id}/branches/{project.branch.id}/roles/{before.user}"
        await neon.client.wait_until_done(await neon.client.call("POST", f"{path}/reset_password"))

        after = await provider.provision(provision_request)

        assert after.password != before.password
        assert await can_log_in(after)


@BY_API
async def test_a_suspension_changes_one_password_and_nothing_else(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request),
    ):
        requests = record_requests(neon)
        await provider.suspend(provision_request.tenant)

        ((method, path, _),) = requests.changes()
        assert method == "POST"
        assert path.endswith(f"/roles/{provision_request.tenant.names.owner}/reset_password")


@BY_API
@pytest.mark.parametrize("fault", SUSPENSION_FAULTS)
async def test_a_failed_suspension_can_be_repeated(
    neon: RunningEmulator, isolation: Isolation, fault: str
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, isolation) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        with override_behaviour_now(neon):
            neon.add_fault("reset_password", fault)
            with pytest.raises(SUSPENSION_FAULTS[fault]):
                await provider.suspend(provision_request.tenant)
            await with_retries(lambda: provider.suspend(provision_request.tenant))

        assert not await can_log_in(connection)
        assert await can_log_in(await with_retries(lambda: provider.provision(provision_request)))


async def test_without_stored_passwords_a_reset_ends_a_suspension(
    neon: RunningEmulator,
) -> None:
    provision_request = new_provision_request()
    async with (
        provider_on(neon, NONE) as provider,
        provisioned_database(provider, provision_request) as connection,
    ):
        with override_behaviour_now(neon, store_passwords=False):
            await provider.suspend(provision_request.tenant)
            assert not await can_log_in(connection)
            assert await can_log_in(await provider.provision(provision_request))
