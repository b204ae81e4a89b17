"""The contract of a provider: tenants whose role was renamed are found by their mark."""

from collections.abc import Awaitable, Callable

import pytest

from domain.errors import NameTaken, ProviderRejected
from domain.provisioning import Order
from tests.contract.conftest import only
from tests.contract.provider_kinds import Subject
from tests.support.databases import held, holding_of, vended
from tests.support.provision_requests import new_order, rotated

pytestmark = only(lambda kind: kind.renames)

RENAMED = "renamed by the operator"

Call = Callable[[Subject, Order], Awaitable[object]]

HANDING_OUT: dict[str, Call] = {
    "provision": lambda subject, order: subject.provider.provision(order),
    "rotate": lambda subject, order: subject.provider.rotate(order),
    "install": lambda subject, order: subject.provider.install(order),
}


@pytest.mark.parametrize("call", HANDING_OUT.values(), ids=HANDING_OUT)
async def test_a_renamed_role_is_renamed_back_before_its_login_is_returned(
    subject: Subject, call: Call
) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.rename_role(connection.user, RENAMED)
        await call(subject, order)
        assert await held(subject.provider, order) == [holding_of(order)]
        await subject.login_check.verify(connection)


@pytest.mark.parametrize("call", HANDING_OUT.values(), ids=HANDING_OUT)
async def test_a_name_that_another_role_has_taken_stays_with_it(
    subject: Subject, call: Call
) -> None:
    order, other = new_order(), new_order()
    async with vended(subject.provider, order) as mine, vended(subject.provider, other) as theirs:
        await subject.rename_role(mine.user, RENAMED)
        await subject.rename_role(theirs.user, mine.user)
        with pytest.raises(NameTaken):
            await call(subject, order)
        await subject.provider.delete(order.tenant)
        assert await held(subject.provider, order) == []
        await subject.login_check.verify(await subject.provider.provision(other))


async def test_a_renamed_role_can_be_suspended(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.rename_role(connection.user, RENAMED)
        await subject.provider.suspend(order.tenant)
        await subject.rename_role(RENAMED, connection.user)
        with pytest.raises(ProviderRejected):
            await subject.login_check.verify(connection)
        await subject.login_check.verify(await subject.provider.provision(rotated(order)))


async def test_a_renamed_role_can_be_deleted(subject: Subject) -> None:
    order = new_order()
    async with vended(subject.provider, order) as connection:
        await subject.rename_role(connection.user, RENAMED)
        await subject.provider.delete(order.tenant)
        assert await held(subject.provider, order) == []
