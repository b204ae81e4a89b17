"""Neon's passwords: revealed, reset if Neon does not store them, and reset to suspend a tenant."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from domain.errors import OutcomeUnknown, ProviderBusy, ProviderRejected
from domain.targets import Isolation
from tests.support.databases import vended
from tests.support.neon.checks import left_as_it_was, persistently, requests_to, turned, works
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.provision_requests import new_order, rotated

NONE, ROLE, PROJECT = Isolation.NONE, Isolation.ROLE, Isolation.PROJECT

by_the_api = pytest.mark.parametrize("isolation", [NONE, PROJECT])

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
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as connection:
        asked = requests_to(neon)
        with turned(neon):
            neon.emulator.first.operations.hold(None)

            assert await provider.reveal(order) == connection
        assert asked.changes() == []
        assert (asked.all() == []) is (isolation is ROLE)


@by_the_api
async def test_a_password_that_is_not_stored_is_not_revealed_or_changed(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as connection:
        with (
            turned(neon, store_passwords=False),
            pytest.raises(ProviderRejected, match="stored passwords"),
        ):
            await provider.reveal(order)

        assert await works(connection)


@by_the_api
async def test_without_stored_passwords_a_rotation_works_or_changes_nothing(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    """A project has no connection URI then, so that the rotation is refused."""
    order = new_order()
    cannot: AbstractContextManager[object] = nullcontext()
    if isolation is PROJECT:
        cannot = pytest.raises(ProviderRejected)
    async with vending_on(neon, isolation) as provider, vended(provider, order) as before:
        after = before
        with turned(neon, store_passwords=False), cannot:
            after = await provider.rotate(rotated(order))

        assert await works(after)


@pytest.mark.parametrize(("stored", "way"), [(True, "reveal_password"), (False, "reset_password")])
@pytest.mark.parametrize("call", ["create_role", "create_database"])
async def test_after_a_lost_response_the_password_is_revealed_or_reset(
    neon: RunningEmulator, call: str, stored: bool, way: str
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, left_as_it_was(neon):
        with turned(neon, store_passwords=stored, operation_seconds=0.3):
            neon.fault(call, "lost_after")
            asked = requests_to(neon)
            assert await works(await persistently(lambda: provider.provision(order)))
            assert [path for _, path, status in asked.all() if path.endswith(way) and status == 200]
            await provider.delete(order.tenant)


@by_the_api
async def test_a_password_reset_by_another_client_is_returned(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as before:
        project = neon.newest()
        path = f"/projects/{project.id}/branches/{project.branch.id}/roles/{before.user}"
        await neon.client.wait_until_done(await neon.client.call("POST", f"{path}/reset_password"))

        after = await provider.provision(order)

        assert after.password != before.password
        assert await works(after)


@by_the_api
async def test_a_suspension_changes_one_password_and_nothing_else(
    neon: RunningEmulator, isolation: Isolation
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order):
        asked = requests_to(neon)
        await provider.suspend(order.tenant)

        ((method, path, _),) = asked.changes()
        assert method == "POST"
        assert path.endswith(f"/roles/{order.tenant.names.owner}/reset_password")


@by_the_api
@pytest.mark.parametrize("fault", SUSPENSION_FAULTS)
async def test_a_failed_suspension_can_be_repeated(
    neon: RunningEmulator, isolation: Isolation, fault: str
) -> None:
    order = new_order()
    async with vending_on(neon, isolation) as provider, vended(provider, order) as connection:
        with turned(neon):
            neon.fault("reset_password", fault)
            with pytest.raises(SUSPENSION_FAULTS[fault]):
                await provider.suspend(order.tenant)
            await persistently(lambda: provider.suspend(order.tenant))

        assert not await works(connection)
        assert await works(await persistently(lambda: provider.provision(order)))


async def test_without_stored_passwords_a_reset_ends_a_suspension(
    neon: RunningEmulator,
) -> None:
    order = new_order()
    async with vending_on(neon, NONE) as provider, vended(provider, order) as connection:
        with turned(neon, store_passwords=False):
            await provider.suspend(order.tenant)
            assert not await works(connection)
            assert await works(await provider.provision(order))
