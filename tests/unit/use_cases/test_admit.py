"""Who is let in, and as whom."""

from datetime import timedelta

import pytest

from adapters.memory.keys import MemoryKeyRing
from domain.caller import ANYONE
from domain.errors import Forbidden, KeyRefused, RateLimited, Unauthenticated
from domain.keys import ApiKey
from domain.rate import Rate
from tests.support.at_the_door import Door, forged
from tests.support.people import person

STATIC = {"web": "the key of the web page's proxy", "ci": "the key of the build machine"}

APP = "https://app.example"

UNKNOWN = "pgv_00000000_" + "0" * 64

WRONG = ["", "x", "pgv_", "pgv_00000000", UNKNOWN, UNKNOWN.upper(), "\udcff", "😀", "x" * 10_000]


async def test_a_right_key_is_let_in_as_its_caller() -> None:
    door = Door()
    record, key = await door.made(quota=3)

    admitted = await door.knock(key)

    assert admitted.caller == record.caller
    assert admitted.allowance is None


@pytest.mark.parametrize("name", STATIC)
async def test_each_of_the_operators_keys_is_its_own_caller(name: str) -> None:
    admitted = await Door(static=STATIC).knock(STATIC[name])

    assert admitted.caller == person(name)


@pytest.mark.parametrize("name", STATIC)
async def test_a_key_that_is_nearly_the_operators_is_none(name: str) -> None:
    door = Door(static=STATIC)

    for wrong in (STATIC[name][:-1], STATIC[name] + " ", STATIC[name].upper(), name):
        with pytest.raises(KeyRefused):
            await door.knock(wrong)


async def test_the_operators_keys_do_not_need_the_ring() -> None:
    door = Door(static=STATIC)
    door.ring = BrokenRing()

    assert (await door.knock(STATIC["ci"])).caller.name == "ci"


async def test_without_a_key_nobody_is_let_in() -> None:
    with pytest.raises(Unauthenticated) as caught:
        await Door(static=STATIC).knock(None)

    assert not isinstance(caught.value, KeyRefused)
    assert "Authorization: Bearer" in str(caught.value)


@pytest.mark.parametrize("key", WRONG, ids=lambda key: ascii(key)[:20])
async def test_what_is_no_key_is_refused(key: str) -> None:
    door = Door(static=STATIC)
    await door.made()

    with pytest.raises(KeyRefused):
        await door.knock(key)


async def test_the_right_beginning_with_another_secret_is_refused() -> None:
    door = Door()
    record, key = await door.made()

    with pytest.raises(KeyRefused) as caught:
        await door.knock(forged(key))

    assert record.id not in str(caught.value), "whether there is such a key is nobody's business"


async def test_the_secret_of_another_key_is_refused() -> None:
    door = Door()
    (one, _), (_, other) = await door.made(), await door.made()

    with pytest.raises(KeyRefused):
        await door.knock(one.id + other.removeprefix(other[: len(one.id)]))


async def test_a_revoked_key_is_refused_with_the_reason() -> None:
    door = Door()
    record, key = await door.made()
    await door.keys.revoke(record.id)

    with pytest.raises(KeyRefused, match=f"{record.id} was revoked"):
        await door.knock(key)


async def test_an_expired_key_is_refused_with_the_reason() -> None:
    door = Door()
    record, key = await door.made(ttl=timedelta(hours=1))
    assert (await door.knock(key)).caller == record.caller
    door.clock.passed += 3600

    with pytest.raises(KeyRefused, match=f"{record.id} has expired"):
        await door.knock(key)


async def test_who_does_not_have_the_whole_key_is_not_told_that_it_was_revoked() -> None:
    door = Door()
    record, key = await door.made()
    await door.keys.revoke(record.id)

    with pytest.raises(KeyRefused) as caught:
        await door.knock(forged(key))

    assert "revoked" not in str(caught.value)


async def test_no_message_holds_what_was_shown() -> None:
    door = Door(static=STATIC)
    record, key = await door.made(ttl=timedelta(hours=1))
    door.clock.passed += 3600

    for shown in (key, forged(key), "hunter2", UNKNOWN):
        with pytest.raises(KeyRefused) as caught:
            await door.knock(shown)
        assert shown not in repr(caught.value)
        assert key.removeprefix(record.id) not in repr(caught.value)


@pytest.mark.parametrize("key", [None, "", "a proxy's own key", UNKNOWN.upper()])
async def test_an_open_service_lets_everybody_in(key: str | None) -> None:
    assert (await Door(is_open=True).knock(key)).caller == ANYONE


async def test_an_open_service_knows_the_keys_that_were_made() -> None:
    door = Door(is_open=True)
    record, key = await door.made()

    assert (await door.knock(key)).caller == record.caller


async def test_an_open_service_refuses_a_key_that_was_revoked() -> None:
    """Whoever holds it counts on what it was for, and it is for nothing any more."""
    door = Door(is_open=True)
    record, key = await door.made()
    await door.keys.revoke(record.id)

    with pytest.raises(KeyRefused):
        await door.knock(key)


async def test_an_open_service_refuses_a_forged_key() -> None:
    with pytest.raises(KeyRefused):
        await Door(is_open=True).knock(UNKNOWN)


async def test_a_key_for_web_pages_is_let_in_from_them() -> None:
    door = Door()
    _, key = await door.made(origins=frozenset({APP}))

    assert (await door.knock(key, origin=APP)).caller.origins == {APP}


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
async def test_a_key_for_web_pages_is_not_let_in_from_elsewhere(origin: str | None) -> None:
    door = Door()
    _, key = await door.made(origins=frozenset({APP}))

    with pytest.raises(Forbidden):
        await door.knock(key, origin=origin)


async def test_other_pages_do_not_use_up_the_rate_of_a_key_for_web_pages() -> None:
    door = Door()
    _, key = await door.made(origins=frozenset({APP}), rate=Rate(1, 60))
    for _ in range(5):
        with pytest.raises(Forbidden):
            await door.knock(key, origin="https://evil.example")

    assert (await door.knock(key, origin=APP)).allowance


class BrokenRing(MemoryKeyRing):
    async def find(self, key_id: str) -> ApiKey | None:
        raise RateLimited("The registry was asked.")
