"""The contract of a provider: sessions during a rotation."""

import pytest

from adapters.postgres.errors import FAILURES
from adapters.postgres.sessions import login_of
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import vended
from tests.support.postgres_under_test import session
from tests.support.provision_requests import new_order, rotated


@only(lambda kind: kind.has_sessions)
@pytest.mark.parametrize("end_sessions", [False, True])
async def test_a_rotation_ends_the_owners_sessions_as_declared(
    subject: Subject, end_sessions: bool
) -> None:
    order = new_order()
    async with (
        vended(subject.provider, order) as old,
        session(login_of(old)) as idle,
        session(login_of(old)) as busy,
    ):
        await busy.execute("BEGIN; CREATE TABLE held (id int)")
        new = await subject.provider.rotate(rotated(order), end_sessions=end_sessions)

        for opened in (idle, busy):
            if end_sessions or subject.provider.rotation_ends_sessions:
                with pytest.raises(FAILURES):
                    await opened.fetchval("SELECT 1")
            else:
                assert await opened.fetchval("SELECT 1") == 1
        await subject.login_check.verify(new)


@only(lambda kind: kind.has_sessions and kind.unique_names)
async def test_a_rotation_ends_no_sessions_of_others(subject: Subject) -> None:
    order = new_order()
    async with (
        vended(subject.provider, order),
        vended(subject.provider, new_order()) as neighbours,
        session(login_of(neighbours)) as opened,
    ):
        await subject.provider.rotate(rotated(order), end_sessions=True)
        if not subject.provider.rotation_ends_sessions:
            assert await opened.fetchval("SELECT 1") == 1
