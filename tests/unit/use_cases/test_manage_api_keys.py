"""API keys: created, shown once, revoked."""

from datetime import timedelta

import pytest

from adapters.memory.api_key_store import MemoryApiKeyStore
from domain.api_keys import ID_BYTES, SECRET_BYTES, digest_key
from domain.callers import Scope
from domain.errors import InvalidPageToken, InvalidRequest, KeyNotFound
from domain.rates import Rate
from ports.use_cases.manage_api_keys import ApiKeyListRequest, ApiKeyRequest, ManageApiKeys
from tests.support.clock import FakeClock
from tests.support.randomness import SeededRandomness

CREATE = frozenset({Scope.CREATE})
APP = frozenset({"https://app.example"})


class Repeating(SeededRandomness):
    """Returns the first value twice."""

    def __init__(self) -> None:
        super().__init__()
        self._said = [b"1" * (ID_BYTES + SECRET_BYTES)] * 2

    def entropy(self, size: int) -> bytes:
        return self._said.pop() if self._said else super().entropy(size)


@pytest.fixture
def keys() -> ManageApiKeys:
    return ManageApiKeys(key_store=MemoryApiKeyStore(), clock=FakeClock(), randomness=Repeating())


async def test_a_new_key_is_stored_as_requested_with_a_digest(keys: ManageApiKeys) -> None:
    request = ApiKeyRequest(
        name="web", scopes=frozenset({Scope.READ}), quota=0, rate=Rate(1, 60), ttl=timedelta(days=1)
    )

    record, key = await keys.create(request)

    assert (record.name, record.scopes) == ("web", request.scopes)
    assert (record.quota, record.rate) == (0, request.rate)
    assert record.created_at == keys.clock.now()
    assert record.expires_at == keys.clock.now() + timedelta(days=1)
    assert record.revoked_at is None
    assert record.digest == digest_key(key)
    assert (await keys.read(ApiKeyListRequest())).keys == [record]
    assert key.reveal() not in repr(record)


async def test_a_key_without_a_name_is_a_caller_of_its_own(keys: ManageApiKeys) -> None:
    """Even if the random id is in use already."""
    one, other = [(await keys.create(ApiKeyRequest(scopes=CREATE)))[0] for _ in range(2)]

    assert (one.name, other.name) == (one.id, other.id)
    assert one.id != other.id
    assert len((await keys.read(ApiKeyListRequest())).keys) == 2


async def test_a_key_for_web_pages_gets_only_the_scope_create(keys: ManageApiKeys) -> None:
    record, _ = await keys.create(ApiKeyRequest(scopes=frozenset(Scope), origins=APP))
    assert (record.scopes, record.origins) == (CREATE, APP)


@pytest.mark.parametrize(
    "wrong",
    [
        ApiKeyRequest(scopes=frozenset()),
        ApiKeyRequest(scopes=frozenset({Scope.ADMIN}), origins=APP),
        *(ApiKeyRequest(scopes=CREATE, name=name) for name in ("a b", "", "pgvend")),
    ],
)
async def test_an_invalid_request_stores_no_key(keys: ManageApiKeys, wrong: ApiKeyRequest) -> None:
    with pytest.raises(InvalidRequest):
        await keys.create(wrong)
    assert (await keys.read(ApiKeyListRequest())).keys == []


async def test_revoking_is_idempotent(keys: ManageApiKeys) -> None:
    record, _ = await keys.create(ApiKeyRequest(scopes=CREATE))
    revoked = await keys.revoke(record.id)
    await keys.clock.sleep(60)

    assert await keys.revoke(record.id) == revoked


async def test_an_unknown_key_cannot_be_revoked(keys: ManageApiKeys) -> None:
    with pytest.raises(KeyNotFound):
        await keys.revoke("pgv_00000000")


async def test_keys_are_read_page_by_page_the_newest_first(keys: ManageApiKeys) -> None:
    created = []
    for _ in range(5):
        created.append((await keys.create(ApiKeyRequest(scopes=CREATE)))[0])
        await keys.clock.sleep(1)

    page, found = await keys.read(ApiKeyListRequest(page_size=2)), []
    while page.next_page_token:
        found += page.keys
        page = await keys.read(ApiKeyListRequest(page_size=2, page_token=page.next_page_token))

    assert [*found, *page.keys] == created[::-1]
    assert len(page.keys) == 1


@pytest.mark.parametrize("token", ["x", "cGd2XzAwMDAwMDAw", "AA=="], ids=["text", "key", "NUL"])
async def test_a_page_token_of_no_key_is_refused(keys: ManageApiKeys, token: str) -> None:
    with pytest.raises(InvalidPageToken):
        await keys.read(ApiKeyListRequest(page_token=token))
