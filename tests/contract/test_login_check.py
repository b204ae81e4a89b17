"""What every login check promises."""

from dataclasses import replace

import pytest

from domain.errors import ProviderRejected
from domain.secret import Secret
from tests.contract.subjects import Subject
from tests.support.databases import vended
from tests.support.orders import new_order


async def test_a_wrong_password_is_refused(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(replace(connection, password=Secret("wrong")))


async def test_the_password_of_another_database_is_refused(subject: Subject) -> None:
    async with (
        vended(subject.provider, new_order()) as connection,
        vended(subject.provider, new_order()) as other,
    ):
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(replace(connection, password=other.password))


async def test_a_user_that_never_was_is_refused(subject: Subject) -> None:
    names = new_order().tenant.names
    async with vended(subject.provider, new_order()) as connection:
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(replace(connection, user=names.owner))


async def test_a_database_that_never_was_is_refused(subject: Subject) -> None:
    names = new_order().tenant.names
    async with vended(subject.provider, new_order()) as connection:
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(replace(connection, database=names.database))


async def test_a_refusal_holds_no_password(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        wrong = replace(connection, password=Secret("a-wrong-password"))
        with pytest.raises(ProviderRejected) as refused:
            await subject.login_check.verify(wrong)
        for error in (refused.value, refused.value.__cause__):
            assert "a-wrong-password" not in f"{error!r} {error}"


async def test_verifying_as_often_as_one_likes_takes_no_place_away(subject: Subject) -> None:
    async with vended(subject.provider, new_order()) as connection:
        for _ in range(8):  # more than a tenant has places for on some of the servers
            await subject.login_check.verify(connection)
