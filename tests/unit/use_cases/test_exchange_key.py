"""A one-time code is exchanged for a key: once, in time, and not by guesses."""

import asyncio
from dataclasses import dataclass, field

import pytest

from adapters.memory.rate_limiter import MemoryRateLimiter
from domain.errors import InvalidCode, RateLimited
from domain.one_time_code import LIFETIME, MAX_WRONG_CODES
from domain.secrets import Secret
from ports.use_cases.authenticate_caller import FAILURE_RATE
from ports.use_cases.exchange_key import ExchangeKey
from tests.support.clock import FakeClock
from tests.support.people import OPERATOR
from tests.support.randomness import SeededRandomness

KEY = Secret("the key of the data folder")
HOME = "192.0.2.1"


@dataclass
class Exchanger:
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.exchange = ExchangeKey(
            clock=self.clock,
            randomness=SeededRandomness(),
            failures=MemoryRateLimiter(self.clock),
        )

    def offer(self) -> str:
        return self.exchange.offer(KEY, OPERATOR).reveal()

    async def fail(self, code: str, *, times: int = 1, address: str = HOME) -> None:
        for _ in range(times):
            with pytest.raises(InvalidCode):
                await self.exchange(code, address)


@pytest.fixture
def exchanger() -> Exchanger:
    return Exchanger()


async def test_a_code_is_exchanged_for_the_key_once(exchanger: Exchanger) -> None:
    code = exchanger.offer()

    assert await exchanger.exchange(code, HOME) == (KEY, OPERATOR)
    await exchanger.fail(code)


async def test_of_concurrent_calls_one_gets_the_key(exchanger: Exchanger) -> None:
    calls = [exchanger.exchange(code, HOME) for code in [exchanger.offer()] * 5]

    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert sum(outcome == (KEY, OPERATOR) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidCode) for outcome in outcomes) == 4


@pytest.mark.parametrize("code", ["", "0000-0000", "no such code"])
async def test_without_an_offer_no_code_works(exchanger: Exchanger, code: str) -> None:
    await exchanger.fail(code)


async def test_a_code_works_for_ten_minutes(exchanger: Exchanger) -> None:
    late = exchanger.offer()
    exchanger.clock.passed += LIFETIME
    await exchanger.fail(late)

    code = exchanger.offer()
    exchanger.clock.passed += LIFETIME - 1
    assert await exchanger.exchange(code, HOME) == (KEY, OPERATOR)


async def test_a_new_code_replaces_the_one_before(exchanger: Exchanger) -> None:
    former, code = exchanger.offer(), exchanger.offer()

    await exchanger.fail(former)
    assert await exchanger.exchange(code, HOME) == (KEY, OPERATOR)


async def test_too_many_wrong_codes_void_the_right_one(exchanger: Exchanger) -> None:
    code = exchanger.offer()
    await exchanger.fail("0000-0000", times=MAX_WRONG_CODES - 1)
    assert await exchanger.exchange(code, HOME) == (KEY, OPERATOR)

    code = exchanger.offer()
    for number in range(MAX_WRONG_CODES):
        await exchanger.fail("0000-0000", address=f"192.0.2.{number}")
    await exchanger.fail(code)


async def test_an_address_that_fails_too_often_is_rate_limited_but_not_locked_out(
    exchanger: Exchanger,
) -> None:
    await exchanger.fail("0000-0000", times=FAILURE_RATE.amount)

    with pytest.raises(RateLimited):
        await exchanger.exchange("0000-0000", HOME)
    assert await exchanger.exchange(exchanger.offer(), HOME) == (KEY, OPERATOR)


async def test_no_representation_contains_the_code_or_the_key(exchanger: Exchanger) -> None:
    code = exchanger.offer()
    assert code not in repr(exchanger.exchange)
    assert KEY.reveal() not in repr(exchanger.exchange)
