"""Each request of a retirement and of a rotation, broken in every way."""

import pytest

from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from domain.errors import ProviderRejected
from tests.support.faults import BLOWS, SLOW, Blow, assert_ours, at_every, requests_of, site, struck
from tests.support.orders import new_order, rotated
from tests.support.pgproxy import Fault
from tests.support.traces import NOTHING, WHOLE

ALL = BLOWS | SLOW


@pytest.fixture(scope="module")
async def retirement(bundled_18: PostgresProvider) -> list[str]:
    order = new_order()
    await bundled_18.provision(order)
    return await requests_of(bundled_18, lambda whole: whole.provider.retire(order.tenant))


@pytest.fixture(scope="module")
async def rotation(bundled_18: PostgresProvider) -> list[str]:
    order = new_order()
    await bundled_18.provision(order)
    requests = await requests_of(bundled_18, lambda whole: whole.provider.rotate(rotated(order)))
    await bundled_18.retire(order.tenant)
    return requests


def test_the_drops_are_among_the_requests_that_are_broken(retirement: list[str]) -> None:
    for statement in ("ALTER DATABASE", "DROP DATABASE", "DROP ROLE"):
        assert any(statement in request for request in retirement)


def test_the_new_password_is_among_the_requests_that_are_broken(rotation: list[str]) -> None:
    assert any("ALTER ROLE … PASSWORD …" in request for request in rotation)


@pytest.mark.parametrize("blow", ALL.values(), ids=ALL.keys())
async def test_a_broken_retirement_leaves_nothing_when_it_is_called_again(
    bundled_18: PostgresProvider, retirement: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.retire(order.tenant), fault, blow))
            await broken.retrying.retire(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    await at_every(retirement, case, blow)


@pytest.mark.parametrize("how", ["cut after", "cancelled"])
async def test_after_a_broken_retirement_the_same_order_can_be_provisioned(
    bundled_18: PostgresProvider, retirement: list[str], how: str
) -> None:
    blow = BLOWS[how]

    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.retire(order.tenant), fault, blow))
            await broken.vend_again(order)
            assert await broken.traces(order.tenant) == WHOLE
            await broken.retrying.retire(order.tenant)

    await at_every(retirement, case, blow)


@pytest.mark.parametrize("blow", ALL.values(), ids=ALL.keys())
async def test_a_broken_rotation_leads_to_the_new_password_when_it_is_called_again(
    bundled_18: PostgresProvider, rotation: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = new_order(), Fault(blow.how, at)
        old = await bundled_18.provision(order)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.provider.rotate(rotated(order)), fault, blow))
            new = await broken.retrying.rotate(rotated(order))
            assert await broken.traces(order.tenant) == WHOLE
            await PostgresLoginCheck().verify(new)
            with pytest.raises(ProviderRejected):
                await PostgresLoginCheck().verify(old)
        await bundled_18.retire(order.tenant)

    await at_every(rotation, case, blow)
