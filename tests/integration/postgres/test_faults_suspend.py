"""Each request of a suspension, broken in every way."""

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from domain.errors import ProviderRejected
from tests.support.faults import BLOWS, SLOW, Blow, assert_ours, at_every, requests_of, site, struck
from tests.support.orders import new_order
from tests.support.pgproxy import Fault
from tests.support.traces import NOTHING, WHOLE

ALL = BLOWS | SLOW


@pytest.fixture(scope="module")
async def suspension(bundled_18: PostgresProvider) -> list[str]:
    order = new_order()
    await bundled_18.provision(order)
    requests = await requests_of(bundled_18, lambda whole: whole.provider.suspend(order.tenant))
    await bundled_18.retire(order.tenant)
    return requests


def test_both_doors_are_among_the_requests_that_are_broken(suspension: list[str]) -> None:
    """The owner's, after a look at who is in its way, and its database's."""
    assert len([request for request in suspension if request.startswith("SET LOCAL")]) == 2


@pytest.mark.parametrize("blow", ALL.values(), ids=ALL.keys())
async def test_a_broken_suspension_keeps_everybody_out_when_it_is_called_again(
    bundled_18: PostgresProvider, suspension: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        connection = await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.suspend(order.tenant), fault, blow))
            await broken.retrying.suspend(order.tenant)
            assert await broken.traces(order.tenant) == WHOLE
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(connection)
        await bundled_18.retire(order.tenant)

    await at_every(suspension, case, blow)


@pytest.mark.parametrize("blow", ALL.values(), ids=ALL.keys())
async def test_after_a_broken_suspension_the_tenant_can_be_let_in_again(
    bundled_18: PostgresProvider, suspension: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.suspend(order.tenant), fault, blow))
            await broken.vend_again(order)
            assert await broken.traces(order.tenant) == WHOLE
        await bundled_18.retire(order.tenant)

    await at_every(suspension, case, blow)


@pytest.mark.parametrize("how", ["cut after", "cancelled"])
async def test_after_a_broken_suspension_nothing_is_left_of_what_is_retired(
    bundled_18: PostgresProvider, suspension: list[str], how: str
) -> None:
    blow = BLOWS[how]

    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.suspend(order.tenant), fault, blow))
            await broken.retrying.retire(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    await at_every(suspension, case, blow)
