"""Each request of a provision and its login check, broken in every way."""

from dataclasses import replace

import pytest

from adapters.postgres.provider import PostgresProvider
from domain.order import Order
from tests.support.faults import BLOWS, SLOW, Blow, assert_ours, at_every, requests_of, site, struck
from tests.support.orders import new_order
from tests.support.pgproxy import Fault
from tests.support.traces import NOTHING, WHOLE

ALL = BLOWS | SLOW


def _order() -> Order:
    return replace(new_order(), extensions=("vector",))


@pytest.fixture(scope="module")
async def requests(bundled_18: PostgresProvider) -> list[str]:
    order = _order()
    requests = await requests_of(bundled_18, lambda whole: whole.vend(order))
    await bundled_18.retire(order.tenant)
    return requests


@pytest.mark.parametrize(
    "beginning",
    [
        "log in",
        "SELECT pg_advisory_lock",
        "run SELECT shobj_description",
        "run SELECT datname",
        "CREATE ROLE",
        "CREATE DATABASE",
        "REVOKE ALL ON DATABASE",
        "SELECT pg_advisory_unlock_all",
        "CREATE EXTENSION",
        "password",
        "SELECT 1",
        "goodbye",
    ],
)
def test_this_part_of_a_vend_is_among_those_that_are_broken(
    requests: list[str], beginning: str
) -> None:
    assert any(request.startswith(beginning) for request in requests)


@pytest.mark.parametrize("blow", ALL.values(), ids=ALL.keys())
async def test_a_broken_vend_converges_when_it_is_called_again(
    bundled_18: PostgresProvider, requests: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = _order(), Fault(blow.how, at)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.vend(order), fault, blow))
            await broken.vend_again(order)
            assert await broken.traces(order.tenant) == WHOLE
            await broken.retrying.retire(order.tenant)
            assert await broken.traces(order.tenant) == NOTHING

    await at_every(requests, case, blow)


@pytest.mark.parametrize("blow", BLOWS.values(), ids=BLOWS.keys())
async def test_a_broken_vend_that_is_retired_leaves_nothing(
    bundled_18: PostgresProvider, requests: list[str], blow: Blow
) -> None:
    async def case(at: int) -> None:
        order, fault = _order(), Fault(blow.how, at)
        async with site(bundled_18, fault) as broken:
            assert_ours(await struck(broken.vend(order), fault, blow))
            await broken.retrying.retire(order.tenant)
        # nor did anybody make something afterwards
        assert await broken.traces(order.tenant) == NOTHING

    await at_every(requests, case, blow)
