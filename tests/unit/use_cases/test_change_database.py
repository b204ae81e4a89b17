"""Changes of the expiry and of labels."""

import pytest

from domain.database import Database
from domain.errors import (
    InvalidDuration,
    InvalidExpiry,
    InvalidLabels,
    PgvendError,
    PreconditionFailed,
)
from domain.expiry import ExpiryPolicy
from domain.lifecycle import State
from ports.use_cases.change_database import ChangeRequest
from tests.support.memory_service import GRACE, HOUR, MemoryService

EXTENDED = ChangeRequest(ttl=9 * HOUR)


@pytest.fixture
def memory() -> MemoryService:
    return MemoryService(expiry=ExpiryPolicy(max_ttl=24 * HOUR))


@pytest.fixture
async def database(memory: MemoryService) -> Database:
    return (await memory.create(ttl=HOUR, labels={"team": "a", "x": "y"})).database


async def test_a_new_ttl_counts_from_now(memory: MemoryService, database: Database) -> None:
    memory.clock.moment += HOUR / 2

    changed = await memory.change()(database.id, EXTENDED)

    assert changed.expires_at == memory.clock.now() + 9 * HOUR
    assert await memory.only_record() == changed
    assert changed.labels == database.labels
    assert memory.accepts_login(changed)


async def test_a_database_expires_at_its_new_expiry_only(
    memory: MemoryService, database: Database
) -> None:
    await memory.change()(database.id, EXTENDED)

    for passed, state in ((8 * HOUR, State.READY), (HOUR, State.EXPIRED)):
        memory.clock.moment += passed
        await memory.reconcile(GRACE)()
        assert (await memory.only_record()).state is state


async def test_an_exact_expiry_replaces_the_old_one(
    memory: MemoryService, database: Database
) -> None:
    expires_at = memory.clock.now() + 2 * HOUR
    changed = await memory.change()(database.id, ChangeRequest(expires_at=expires_at))
    assert changed.expires_at == expires_at
    memory.clock.moment += 2 * HOUR
    await memory.reconcile(GRACE)()
    assert (await memory.only_record()).state is State.EXPIRED


async def test_an_expiry_beyond_the_maximum_is_refused(
    memory: MemoryService, database: Database
) -> None:
    request = ChangeRequest(expires_at=memory.clock.now() + 25 * HOUR)
    with pytest.raises(InvalidExpiry):
        await memory.change()(database.id, request)
    assert await memory.only_record() == database


async def test_a_database_whose_expiry_is_cleared_stays() -> None:
    memory = MemoryService()
    created = (await memory.create(ttl=HOUR)).database
    changed = await memory.change()(created.id, ChangeRequest(clears_expiry=True))
    assert (changed.expires_at, changed.wake_at) == (None, None)
    memory.clock.moment += 1000 * HOUR
    await memory.reconcile(GRACE)()
    assert (await memory.only_record()).state is State.READY


@pytest.mark.parametrize("labels", [{"team": "b"}, {}], ids=["others", "none"])
async def test_new_labels_replace_all_labels(
    memory: MemoryService, database: Database, labels: dict[str, str]
) -> None:
    changed = await memory.change()(database.id, ChangeRequest(labels=labels))
    assert changed.labels == labels
    assert changed.expires_at == database.expires_at


async def test_a_change_of_a_given_version_happens_once(
    memory: MemoryService, database: Database
) -> None:
    seen = ChangeRequest(labels={}, versions={database.version, 999})

    assert (await memory.change()(database.id, seen)).version > database.version
    with pytest.raises(PreconditionFailed):
        await memory.change()(database.id, seen)


@pytest.mark.parametrize("versions", [set[int](), {0}, {998, 999}])
async def test_a_change_of_another_version_is_refused(
    memory: MemoryService, database: Database, versions: set[int]
) -> None:
    with pytest.raises(PreconditionFailed):
        await memory.change()(database.id, ChangeRequest(labels={}, versions=versions))
    assert await memory.only_record() == database


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ChangeRequest(labels={"": "value"}), InvalidLabels),
        (ChangeRequest(ttl=25 * HOUR), InvalidDuration),
        (ChangeRequest(ttl=25 * HOUR, labels={"team": "b"}), InvalidDuration),
        (ChangeRequest(clears_expiry=True), InvalidExpiry),
        (ChangeRequest(clears_expiry=True, labels={"team": "b"}), InvalidExpiry),
    ],
)
async def test_invalid_input_changes_nothing(
    memory: MemoryService, database: Database, request_: ChangeRequest, error: type[PgvendError]
) -> None:
    with pytest.raises(error):
        await memory.change()(database.id, request_)
    assert await memory.only_record() == database
