"""The contract of the login check."""

from dataclasses import replace

import pytest

from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.secrets import Secret
from ports.driven.login_check import PasswordRefused
from tests.contract.conftest import Kind
from tests.contract.provider_kinds import Subject
from tests.support.databases import vended
from tests.support.provision_requests import new_order


async def test_only_the_returned_credentials_log_in(subject: Subject, kind: Kind) -> None:
    names = new_order().tenant.names
    async with (
        vended(subject.provider, new_order()) as connection,
        vended(subject.provider, new_order()) as other,
    ):
        for password in (Secret("a-wrong-password"), other.password):
            wrong = replace(connection, password=password)
            assert isinstance(await _refused(subject, wrong), PasswordRefused)
        await _refused(subject, replace(connection, user=names.owner))
        wrong = replace(connection, database=names.database)
        assert not isinstance(await _refused(subject, wrong), PasswordRefused)
        if kind.isolates:
            await _refused(subject, replace(connection, database=other.database))
        await subject.login_check.verify(connection)


async def test_repeated_verification_leaves_no_session_open(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        for _ in range(8):  # more than the connection limit of a tenant on some servers
            await subject.login_check.verify(connection)


async def _refused(subject: Subject, connection: Connection) -> ProviderRejected:
    """Check that the login is refused, and that the error does not contain the password."""
    with pytest.raises(ProviderRejected) as refused:
        await subject.login_check.verify(connection)
    for error in (refused.value, refused.value.__cause__):
        assert connection.password.reveal() not in f"{error!r} {error}"
    return refused.value
