"""What every registry promises about API keys."""

import asyncio
from datetime import timedelta

import pytest

from adapters.registry.opening import Opened
from domain.caller import Scope
from domain.errors import KeyNotFound, NameTaken
from domain.rate import Rate
from ports.driven.keys import KeyRing
from tests.support.key_records import MADE, new_api_key

LATER = MADE + timedelta(hours=1)

STRANGE = ["", "pgv_00000000", "'", "%", "\0", "\ud800", "pgv_\0\0\0\0", "x" * 10_000, "😀"]


@pytest.fixture
def ring(opened: Opened) -> KeyRing:
    return opened.keys


async def test_it_starts_empty(ring: KeyRing) -> None:
    assert await ring.every() == []


async def test_a_key_is_kept_as_given(ring: KeyRing) -> None:
    key = new_api_key(
        name="web@app.example",
        scopes=frozenset(Scope),
        quota=3,
        rate=Rate(10, 60),
        origins=frozenset({"https://app.example", "http://localhost:5173"}),
        expires_at=LATER,
        revoked_at=LATER,
    )

    await ring.add(key)

    assert await ring.find(key.id) == key
    assert await ring.every() == [key]


async def test_a_key_with_nothing_that_may_be_missing_is_kept(ring: KeyRing) -> None:
    key = new_api_key()

    await ring.add(key)

    assert await ring.find(key.id) == key


async def test_a_quota_of_none_and_of_zero_are_two_things(ring: KeyRing) -> None:
    none_at_all, without = new_api_key(quota=0), new_api_key(quota=None)
    await ring.add(none_at_all)
    await ring.add(without)

    found = [await ring.find(key.id) for key in (none_at_all, without)]

    assert [key and key.quota for key in found] == [0, None]


async def test_an_id_is_one_keys(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)

    with pytest.raises(NameTaken):
        await ring.add(new_api_key(id=key.id))

    assert await ring.every() == [key]


async def test_of_racing_keys_of_one_id_one_is_kept(ring: KeyRing) -> None:
    racing = [new_api_key(id="pgv_00000000") for _ in range(5)]

    outcomes = await asyncio.gather(*map(ring.add, racing), return_exceptions=True)

    assert sum(isinstance(outcome, NameTaken) for outcome in outcomes) == 4
    assert len(await ring.every()) == 1


async def test_keys_of_one_name_are_many(ring: KeyRing) -> None:
    await ring.add(new_api_key(name="web"))
    await ring.add(new_api_key(name="web"))

    assert len(await ring.every()) == 2


async def test_the_newest_is_told_first(ring: KeyRing) -> None:
    old, new, newest = (new_api_key(created_at=MADE + timedelta(seconds=s)) for s in range(3))
    for key in (new, newest, old):
        await ring.add(key)

    assert await ring.every() == [newest, new, old]


@pytest.mark.parametrize("key_id", STRANGE, ids=ascii)
async def test_what_was_not_kept_is_not_found(ring: KeyRing, key_id: str) -> None:
    await ring.add(new_api_key())

    assert await ring.find(key_id) is None


@pytest.mark.parametrize("key_id", STRANGE, ids=ascii)
async def test_what_was_not_kept_cannot_be_revoked(ring: KeyRing, key_id: str) -> None:
    key = new_api_key()
    await ring.add(key)

    with pytest.raises(KeyNotFound):
        await ring.revoke(key_id, LATER)

    assert await ring.find(key.id) == key


async def test_a_revoked_key_is_found_and_says_so(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)

    revoked = await ring.revoke(key.id, LATER)

    assert revoked == key.revoked(LATER)
    assert await ring.find(key.id) == revoked


async def test_the_first_moment_of_many_is_when_a_key_was_revoked(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)
    await ring.revoke(key.id, LATER)

    again = await ring.revoke(key.id, LATER + timedelta(days=1))

    assert again.revoked_at == LATER
    assert await ring.find(key.id) == again


async def test_others_stay_when_one_is_revoked(ring: KeyRing) -> None:
    one, other = new_api_key(name="web"), new_api_key(name="web")
    await ring.add(one)
    await ring.add(other)

    await ring.revoke(one.id, LATER)

    assert await ring.find(other.id) == other


async def test_racing_revocations_agree_on_one_moment(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)
    moments = [LATER + timedelta(seconds=second) for second in range(5)]

    revoked = await asyncio.gather(*(ring.revoke(key.id, moment) for moment in moments))

    assert len({one.revoked_at for one in revoked}) == 1
    assert revoked[0].revoked_at in moments
