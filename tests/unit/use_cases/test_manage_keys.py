"""API keys: made, told once, revoked."""

from datetime import timedelta

import pytest

from adapters.memory.keys import MemoryKeyRing
from domain.caller import Scope
from domain.errors import InvalidRequest, KeyNotFound
from domain.keys import ID_BYTES, SECRET_BYTES, digest_of
from domain.rate import Rate
from ports.driven.randomness import Randomness
from ports.driving.manage_keys import KeyRequest, ManageKeys
from tests.support.clock import FakeClock
from tests.support.randomness import SeededRandomness

CREATE = frozenset({Scope.CREATE})
APP = frozenset({"https://app.example"})


def managing(randomness: Randomness | None = None) -> ManageKeys:
    chance = randomness or SeededRandomness()
    return ManageKeys(ring=MemoryKeyRing(), clock=FakeClock(), randomness=chance)


async def test_a_new_key_is_kept_by_its_digest_alone() -> None:
    keys = managing()

    record, key = await keys.create(KeyRequest(scopes=CREATE))

    assert record.digest == digest_of(key)
    assert await keys.every() == [record]
    assert key.reveal() not in repr(record)


async def test_a_new_key_is_as_it_was_asked_for() -> None:
    keys = managing()
    request = KeyRequest(
        name="web", scopes=frozenset({Scope.READ}), quota=0, rate=Rate(1, 60), ttl=timedelta(days=1)
    )

    record, _ = await keys.create(request)

    assert (record.name, record.scopes, record.quota) == ("web", request.scopes, 0)
    assert record.rate == request.rate
    assert record.created_at == keys.clock.now()
    assert record.expires_at == keys.clock.now() + timedelta(days=1)
    assert record.revoked_at is None


async def test_a_key_without_a_name_is_a_caller_of_its_own() -> None:
    keys = managing()

    records = [(await keys.create(KeyRequest(scopes=CREATE)))[0] for _ in range(2)]

    assert [record.name for record in records] == [record.id for record in records]
    assert records[0].name != records[1].name


async def test_a_key_for_web_pages_gets_nothing_but_create() -> None:
    record, _ = await managing().create(KeyRequest(scopes=frozenset(Scope), origins=APP))

    assert (record.scopes, record.origins) == (CREATE, APP)


@pytest.mark.parametrize(
    "wrong",
    [
        KeyRequest(scopes=frozenset()),
        KeyRequest(scopes=frozenset({Scope.ADMIN}), origins=APP),
        KeyRequest(scopes=CREATE, name="a b"),
        KeyRequest(scopes=CREATE, name=""),
        KeyRequest(scopes=CREATE, name="pgvend"),
    ],
)
async def test_what_cannot_be_a_key_is_refused_and_not_kept(wrong: KeyRequest) -> None:
    keys = managing()

    with pytest.raises(InvalidRequest):
        await keys.create(wrong)

    assert await keys.every() == []


async def test_a_key_that_would_begin_like_another_gets_another_beginning() -> None:
    keys = managing(Repeating())

    (one, _), (other, _) = [await keys.create(KeyRequest(scopes=CREATE)) for _ in range(2)]

    assert one.id != other.id
    assert len(await keys.every()) == 2


async def test_revoking_is_idempotent() -> None:
    keys = managing()
    record, _ = await keys.create(KeyRequest(scopes=CREATE))
    revoked = await keys.revoke(record.id)
    assert isinstance(keys.clock, FakeClock)
    keys.clock.passed += 60

    assert await keys.revoke(record.id) == revoked


async def test_what_is_not_there_cannot_be_revoked() -> None:
    with pytest.raises(KeyNotFound):
        await managing().revoke("pgv_00000000")


class Repeating(SeededRandomness):
    """Says the same twice before it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._said = [b"1" * (ID_BYTES + SECRET_BYTES)] * 2

    def entropy(self, size: int) -> bytes:
        return self._said.pop() if self._said else super().entropy(size)
