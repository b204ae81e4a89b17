"""The use case over a server that fails at each request: a working database, or none."""

import pytest

from adapters.memory.registry import MemoryRegistry
from adapters.postgres.provider import PostgresProvider
from domain.retry import RetryPolicy
from ports.driving.vend import VendRequest
from ports.driving.vended import Vended
from tests.support.faults import BLOWS, SLOW, Blow, assert_ours, at_every, requests_of, site, struck
from tests.support.orders import new_order, unique_name
from tests.support.pgproxy import Fault, How
from tests.support.vends import HASTY, PATIENT, assert_whole_or_nothing, vend_over

CANCELLING = {name: (blow, PATIENT) for name, blow in (BLOWS | SLOW).items() if blow.cancels}
CUTTING = {name: (blow, HASTY) for name, blow in BLOWS.items() if not blow.cancels}
KINDS = CANCELLING | CUTTING  # one that may try again would get over a cut


@pytest.fixture(scope="module")
async def requests(bundled_18: PostgresProvider) -> list[str]:
    order = new_order()
    requests = await requests_of(bundled_18, lambda whole: whole.vend(order))
    await bundled_18.retire(order.tenant)
    return requests


@pytest.mark.parametrize(("blow", "policy"), KINDS.values(), ids=KINDS.keys())
async def test_a_broken_vend_hands_out_a_working_database_or_leaves_none(
    bundled_18: PostgresProvider, requests: list[str], blow: Blow, policy: RetryPolicy
) -> None:
    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(blow.how, at)
        async with site(bundled_18, fault) as broken:
            vend = vend_over(broken, registry, policy)
            outcome = await struck(vend(VendRequest(nickname=unique_name())), fault, blow)
            assert_ours(outcome)
            await assert_whole_or_nothing(broken, registry, outcome)

    await at_every(requests, case, blow)


async def test_a_vend_gets_over_a_lost_answer(
    bundled_18: PostgresProvider, requests: list[str]
) -> None:
    blow = Blow(How.SWALLOWED)

    async def case(at: int) -> None:
        registry, fault = MemoryRegistry(), Fault(blow.how, at)
        async with site(bundled_18, fault) as broken:
            vend = vend_over(broken, registry, PATIENT)
            outcome = await struck(vend(VendRequest(nickname=unique_name())), fault, blow)
            assert isinstance(outcome, Vended), repr(outcome)
            await assert_whole_or_nothing(broken, registry, outcome)

    await at_every(requests, case, blow)
