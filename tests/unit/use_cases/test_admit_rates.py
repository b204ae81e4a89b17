"""How often somebody is let in, and how often somebody may try in vain."""

import pytest

from domain.errors import KeyRefused, RateLimited, Unauthenticated
from domain.rate import Rate
from ports.driving.admit import FAILURES
from tests.support.at_the_door import HOME, Door, forged

STATIC = {"web": "the key of the web page's proxy"}


async def test_a_key_with_a_rate_says_what_is_left_of_it() -> None:
    door = Door()
    _, key = await door.made(rate=Rate(2, 60))

    told = [(await door.knock(key)).allowance for _ in range(2)]

    assert [allowance and allowance.remaining for allowance in told] == [1, 0]


async def test_a_key_is_let_in_no_more_often_than_its_rate() -> None:
    door = Door()
    _, key = await door.made(rate=Rate(2, 60))
    for _ in range(2):
        await door.knock(key)

    with pytest.raises(RateLimited, match="rate is 2/min") as caught:
        await door.knock(key)

    assert caught.value.retry_after == 60


async def test_a_key_is_let_in_again_when_its_window_ends() -> None:
    door = Door()
    _, key = await door.made(rate=Rate(1, 60))
    await door.knock(key)
    door.clock.passed += 60

    await door.knock(key)


async def test_a_key_is_counted_wherever_it_comes_from() -> None:
    door = Door()
    _, key = await door.made(rate=Rate(1, 60))
    await door.knock(key, address="192.0.2.1")

    with pytest.raises(RateLimited):
        await door.knock(key, address="192.0.2.2")


async def test_keys_of_one_caller_are_counted_each_for_itself() -> None:
    door = Door()
    (_, one), (_, other) = await door.made(rate=Rate(1, 60)), await door.made(rate=Rate(1, 60))
    await door.knock(one)

    await door.knock(other)


@pytest.mark.parametrize("key", [None, "wrong", "pgv_00000000_" + "0" * 64])
async def test_an_address_may_try_in_vain_only_so_often(key: str | None) -> None:
    door = Door(static=STATIC)
    await tried_in_vain(door, key)

    with pytest.raises(RateLimited, match="from your address") as caught:
        await door.knock(key)

    assert caught.value.retry_after == FAILURES.seconds


async def test_keys_that_were_right_once_count_too() -> None:
    door = Door()
    record, key = await door.made()
    await door.keys.revoke(record.id)
    await tried_in_vain(door, key)

    with pytest.raises(RateLimited):
        await door.knock(key)


async def test_an_address_may_try_again_when_its_window_ends() -> None:
    door = Door(static=STATIC)
    await tried_in_vain(door, "wrong")
    door.clock.passed += FAILURES.seconds

    with pytest.raises(KeyRefused):
        await door.knock("wrong")


async def test_a_right_key_is_let_in_from_where_wrong_ones_come() -> None:
    """Else everybody behind one address could be locked out by one of them."""
    door = Door(static=STATIC)
    _, key = await door.made()
    await tried_in_vain(door, forged(key), times=FAILURES.amount + 5)

    assert (await door.knock(key)).caller.name == "ann"
    assert (await door.knock(STATIC["web"])).caller.name == "web"


async def test_right_keys_do_not_use_up_what_wrong_ones_may() -> None:
    door = Door(static=STATIC)
    for _ in range(FAILURES.amount + 1):
        await door.knock(STATIC["web"])

    with pytest.raises(KeyRefused):
        await door.knock("wrong")


async def test_an_open_service_counts_nobody_who_is_let_in() -> None:
    door = Door(is_open=True)

    for _ in range(FAILURES.amount + 1):
        await door.knock(None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("2001:db8::1", "192.0.2.1"),
        ("", "192.0.2.1"),
    ],
)
async def test_networks_are_counted_each_for_itself(one: str, other: str) -> None:
    door = Door(static=STATIC)
    await tried_in_vain(door, "wrong", address=one)

    with pytest.raises(KeyRefused):
        await door.knock("wrong", address=other)


@pytest.mark.parametrize("other", ["2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff", "2001:DB8:0::1"])
async def test_who_has_one_address_of_a_network_of_64_bits_has_all(other: str) -> None:
    door = Door(static=STATIC)
    await tried_in_vain(door, "wrong", address="2001:db8::1")

    with pytest.raises(RateLimited):
        await door.knock("wrong", address=other)


async def tried_in_vain(
    door: Door, key: str | None, *, times: int = FAILURES.amount, address: str = HOME
) -> None:
    for number in range(times):
        expected = Unauthenticated if number < FAILURES.amount else RateLimited
        with pytest.raises(expected):
            await door.knock(key, address=address)
