"""What every login check promises."""

from dataclasses import replace

import pytest

from domain.connection import Connection
from domain.errors import ProviderRejected
from domain.secret import Secret
from ports.driven.login_check import PasswordRefused
from tests.contract.conftest import Kind
from tests.contract.subjects import Subject
from tests.support.databases import vended
from tests.support.orders import new_order


async def test_only_what_was_handed_out_logs_in(subject: Subject, kind: Kind) -> None:
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


async def test_verifying_as_often_as_one_likes_takes_no_place_away(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        for _ in range(8):  # more than a tenant has places for on some of the servers
            await subject.login_check.verify(connection)


async def _refused(subject: Subject, connection: Connection) -> ProviderRejected:
    """Without telling the password."""
    with pytest.raises(ProviderRejected) as refused:
        await subject.login_check.verify(connection)
    for error in (refused.value, refused.value.__cause__):
        assert connection.password.reveal() not in f"{error!r} {error}"
    return refused.value
