"""The contract of the login check."""

from dataclasses import replace

import pytest

from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.secrets import Secret
from ports.driven.login_check import PasswordRefused
from tests.contract.conftest import ProviderKind
from tests.contract.provider_kinds import ProviderSetup
from tests.support.databases import provisioned_database
from tests.support.provision_requests import new_provision_request


async def test_only_the_returned_credentials_log_in(
    setup: ProviderSetup, kind: ProviderKind
) -> None:
    names = new_provision_request().tenant.names
    async with (
        provisioned_database(setup.provider, new_provision_request()) as connection,
        provisioned_database(setup.provider, new_provision_request()) as other,
    ):
        for password in (Secret("a-wrong-password"), other.password):
            wrong = replace(connection, password=password)
            assert isinstance(await _check_refused(setup, wrong), PasswordRefused)
        await _check_refused(setup, replace(connection, user=names.owner))
        wrong = replace(connection, database=names.database)
        assert not isinstance(await _check_refused(setup, wrong), PasswordRefused)
        if kind.isolates:
            await _check_refused(setup, replace(connection, database=other.database))
        await setup.login_check.verify(connection)


async def test_repeated_verification_leaves_no_session_open(setup: ProviderSetup) -> None:
    async with provisioned_database(setup.provider, new_provision_request()) as connection:
        for _ in range(8):  # more than the connection limit of a tenant on some servers
            await setup.login_check.verify(connection)


async def _check_refused(setup: ProviderSetup, connection: Connection) -> ProviderRejected:
    """Check that the login is refused, and that the error does not contain the password."""
    with pytest.raises(ProviderRejected) as refused:
        await setup.login_check.verify(connection)
    for error in (refused.value, refused.value.__cause__):
        assert connection.password.reveal() not in f"{error!r} {error}"
    return refused.value
