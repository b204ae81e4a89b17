"""Another end, other labels."""

from datetime import timedelta

import pytest

from domain.database import Database
from domain.errors import (
    DatabaseNotFound,
    IllegalTransition,
    InFlight,
    InvalidDuration,
    InvalidLabels,
    PgvendError,
    PreconditionFailed,
    ProviderBusy,
)
from domain.expiry import ExpiryPolicy
from domain.states import State
from ports.driving.change import ChangeRequest
from ports.driving.vend import VendRequest
from tests.support.aftermath import settle
from tests.support.doubles import Fails
from tests.support.records import new_record
from tests.support.vending import Memory

HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)
RELABELLED = ChangeRequest(labels={"team": "b"})
EXTENDED = ChangeRequest(ttl=9 * HOUR)


async def vended(memory: Memory, ttl: timedelta | None = HOUR) -> Database:
    request = VendRequest(nickname="Sales", ttl=ttl, labels={"team": "a", "x": "y"})
    return (await memory.vend()(request)).database


async def test_a_new_end_is_counted_from_now() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR / 2

    changed = await memory.change()(made.id, EXTENDED)

    assert changed.expires_at == memory.clock.now() + 9 * HOUR
    assert await memory.only_record() == changed


async def test_what_was_extended_ends_at_its_new_end_and_not_before() -> None:
    made = await vended(memory := Memory())
    await memory.change()(made.id, EXTENDED)

    memory.clock.moment += 8 * HOUR
    await memory.sweep(GRACE)()
    assert (await memory.only_record()).state is State.READY

    memory.clock.moment += HOUR
    await memory.sweep(GRACE)()
    assert (await memory.only_record()).state is State.EXPIRED


async def test_an_end_may_come_sooner_too() -> None:
    made = await vended(memory := Memory(), ttl=None)
    await memory.change()(made.id, ChangeRequest(ttl=HOUR))

    memory.clock.moment += HOUR
    await memory.sweep(GRACE)()

    assert (await memory.only_record()).state is State.EXPIRED


async def test_new_labels_replace_all_the_old_ones() -> None:
    made = await vended(memory := Memory())

    changed = await memory.change()(made.id, RELABELLED)

    assert changed.labels == {"team": "b"}
    assert changed.expires_at == made.expires_at


async def test_labels_can_be_taken_away() -> None:
    made = await vended(memory := Memory())

    assert (await memory.change()(made.id, ChangeRequest(labels={}))).labels == {}


async def test_what_is_not_named_stays() -> None:
    made = await vended(memory := Memory())

    changed = await memory.change()(made.id, EXTENDED)

    assert changed.labels == made.labels
    assert memory.lets_in(changed)


async def test_a_change_of_the_version_that_was_seen_is_made() -> None:
    made = await vended(memory := Memory())

    changed = await memory.change()(made.id, ChangeRequest(labels={}, versions={made.version, 999}))

    assert changed.version > made.version


@pytest.mark.parametrize("versions", [set[int](), {0}, {998, 999}])
async def test_a_change_of_another_version_is_refused(versions: set[int]) -> None:
    made = await vended(memory := Memory())

    with pytest.raises(PreconditionFailed):
        await memory.change()(made.id, ChangeRequest(labels={}, versions=versions))

    assert await memory.only_record() == made


async def test_of_two_changes_of_one_version_the_second_is_refused() -> None:
    made = await vended(memory := Memory())
    seen = ChangeRequest(labels={"team": "b"}, versions={made.version})
    await memory.change()(made.id, seen)

    with pytest.raises(PreconditionFailed):
        await memory.change()(made.id, seen)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ChangeRequest(labels={"": "value"}), InvalidLabels),
        (ChangeRequest(ttl=25 * HOUR), InvalidDuration),
        (ChangeRequest(ttl=25 * HOUR, labels={"team": "b"}), InvalidDuration),
    ],
)
async def test_bad_input_changes_nothing(request_: ChangeRequest, error: type[PgvendError]) -> None:
    made = await vended(memory := Memory(expiry=ExpiryPolicy(longest=24 * HOUR)))

    with pytest.raises(error):
        await memory.change()(made.id, request_)

    assert await memory.only_record() == made


@pytest.mark.parametrize("request_", [RELABELLED, EXTENDED], ids=["labels", "ttl"])
@pytest.mark.parametrize("state", sorted(set(State) - {State.PROVISIONING, State.READY}))
async def test_only_what_is_ready_changes(state: State, request_: ChangeRequest) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record(state=state))

    with pytest.raises(IllegalTransition):
        await memory.change()(record.id, request_)

    assert await memory.only_record() == record


@pytest.mark.parametrize("request_", [RELABELLED, EXTENDED], ids=["labels", "ttl"])
async def test_what_is_being_made_changes_later(request_: ChangeRequest) -> None:
    memory = Memory()
    record = await memory.registry.add(new_record())

    with pytest.raises(InFlight, match="is being made"):
        await memory.change()(record.id, request_)

    assert await memory.only_record() == record


async def test_what_is_over_is_not_extended_any_more() -> None:
    made = await vended(memory := Memory())
    memory.clock.moment += HOUR

    with pytest.raises(IllegalTransition, match="is expired"):
        await memory.change()(made.id, EXTENDED)


async def test_a_rotation_that_was_cut_off_is_finished_although_the_end_has_moved() -> None:
    made = await vended(memory := Memory())
    memory.trouble = Fails({"before rotate": [ProviderBusy()]})
    with pytest.raises(ProviderBusy):
        await memory.rotate()(made.id)

    await memory.change()(made.id, EXTENDED)

    await settle(memory, GRACE)
    record = await memory.only_record()
    assert (record.state, record.is_at_rest) == (State.READY, True)
    assert memory.lets_in(record)


async def test_an_unknown_database_is_not_found() -> None:
    with pytest.raises(DatabaseNotFound):
        await Memory().change()("db_unknown", RELABELLED)
