"""The contract of a provider: sessions during a rotation."""

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import login_from_connection
from tests.contract.conftest import only
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import provisioned_database
from tests.support.postgres_under_test import session
from tests.support.provision_requests import new_provision_request, with_next_password


@only(lambda kind: kind.has_sessions)
@pytest.mark.parametrize("end_sessions", [False, True])
async def test_a_rotation_ends_the_owners_sessions_as_declared(
    setup: ProviderSetup, end_sessions: bool
) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(setup.provider, provision_request) as old,
        session(login_from_connection(old)) as idle,
        session(login_from_connection(old)) as busy,
    ):
        await busy.execute("BEGIN; CREATE TABLE held (id int)")
        new = await setup.provider.rotate(
            with_next_password(provision_request), end_sessions=end_sessions
        )

        for stores in (idle, busy):
            if end_sessions or setup.provider.rotation_ends_sessions:
                with pytest.raises(FAILURES):
                    await stores.fetchval("SELECT 1")
            else:
                assert await stores.fetchval("SELECT 1") == 1
        await setup.login_check.verify(new)


@only(lambda kind: kind.has_sessions and kind.unique_names)
async def test_a_rotation_ends_no_sessions_of_others(setup: ProviderSetup) -> None:
    provision_request = new_provision_request()
    async with (
        provisioned_database(setup.provider, provision_request),
        provisioned_database(setup.provider, new_provision_request()) as neighbours,
        session(login_from_connection(neighbours)) as stores,
    ):
        await setup.provider.rotate(with_next_password(provision_request), end_sessions=True)
        if not setup.provider.rotation_ends_sessions:
            assert await stores.fetchval("SELECT 1") == 1
