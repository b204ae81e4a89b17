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

    assert await ring.every() == []

    await ring.add(key)

    assert await ring.find(key.id) == key
    assert await ring.every() == [key]


async def test_what_may_be_missing_is_kept_as_missing_and_not_as_zero(ring: KeyRing) -> None:
    for key in (new_api_key(quota=0), new_api_key(quota=None)):
        await ring.add(key)

        assert await ring.find(key.id) == key


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


async def test_the_newest_of_keys_of_one_name_is_told_first(ring: KeyRing) -> None:
    old, new, newest = (
        new_api_key(name="web", created_at=MADE + timedelta(seconds=s)) for s in range(3)
    )
    for key in (new, newest, old):
        await ring.add(key)

    assert await ring.every() == [newest, new, old]


async def test_what_was_not_kept_is_not_found_and_cannot_be_revoked(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)

    for key_id in STRANGE:
        assert await ring.find(key_id) is None
        with pytest.raises(KeyNotFound):
            await ring.revoke(key_id, LATER)

    assert await ring.every() == [key]


async def test_a_key_is_revoked_at_the_first_moment_of_many(ring: KeyRing) -> None:
    key, other = new_api_key(name="web"), new_api_key(name="web")
    await ring.add(key)
    await ring.add(other)

    for moment in (LATER, LATER + timedelta(days=1)):
        assert await ring.revoke(key.id, moment) == key.revoked(LATER)
        assert await ring.find(key.id) == key.revoked(LATER)
    assert await ring.find(other.id) == other


async def test_racing_revocations_agree_on_one_moment(ring: KeyRing) -> None:
    key = new_api_key()
    await ring.add(key)
    moments = [LATER + timedelta(seconds=second) for second in range(5)]

    revoked = await asyncio.gather(*(ring.revoke(key.id, moment) for moment in moments))

    assert len({one.revoked_at for one in revoked}) == 1
    assert revoked[0].revoked_at in moments
