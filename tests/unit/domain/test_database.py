"""The record: states, names and expiry; missing databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.availability import check_password_known, check_target, check_usable
from domain.database import Database
from domain.errors import IllegalTransition, InFlight, OtherTarget
from domain.lifecycle import DUE_NOW, GONE, LIVE, TRANSITIONS, Operation, State
from domain.names import Nickname
from tests.support.provision_requests import deriver
from tests.support.records import ELSEWHERE, TARGET, new_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
NAMES = Nickname("another").derive_names()

each = pytest.mark.parametrize("state", State)


def create_in_state(state: State, *, ends: datetime | None = None) -> Database:
    return replace(new_record(created_at=NOW, state=state), expires_at=ends).complete(
        Operation.PROVISION, NOW
    )


@pytest.mark.parametrize(("before", "after"), [*product(State, State)])
def test_only_legal_transitions_are_possible(before: State, after: State) -> None:
    database = create_in_state(before)

    if after in TRANSITIONS[before]:
        assert database.transition_to(after) == replace(database, state=after)
    else:
        with pytest.raises(IllegalTransition, match=f"is {before} and cannot become {after}"):
            database.transition_to(after)


def test_the_legal_transitions() -> None:
    ways = {
        (before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters
    }

    assert ways == {
        *(("provisioning", after) for after in ("ready", "deleting")),
        *(("ready", after) for after in ("expired", "deleting")),
        *(("expired", after) for after in ("ready", "deleting")),
        *(("deleting", after) for after in ("deleted", "failed")),
        ("spare", "deleting"),
        ("template", "deleting"),
    }
    assert set(TRANSITIONS) == set(State)


@each
def test_final_states_are_gone_and_all_others_live(state: State) -> None:
    is_gone = state in {State.FAILED, State.DELETED}
    assert create_in_state(state).is_gone == (state in GONE) == (not TRANSITIONS[state]) == is_gone
    assert (state in LIVE) != is_gone


@each
def test_names_change_while_provisioning_or_as_found_on_the_server(state: State) -> None:
    database = create_in_state(state)

    assert database.accept_rename(NAMES).names == NAMES
    if state is State.PROVISIONING:
        assert database.rename(NAMES).names == NAMES
    else:
        with pytest.raises(IllegalTransition, match="keeps its names"):
            database.rename(NAMES)


@pytest.mark.parametrize("rotation", [0, 1, 7])
def test_a_provision_request_has_the_password_of_the_latest_rotation(rotation: int) -> None:
    database = replace(new_record(), rotation=rotation, extensions=("vector",))

    provision_request = database.to_provision_request(deriver)

    assert (provision_request.tenant.id, provision_request.tenant.names) == (
        database.id,
        database.names,
    )
    assert provision_request.password == deriver(database.id, rotation)
    assert provision_request.extensions == ("vector",)


@each
@pytest.mark.parametrize(
    ("ends", "is_past_expiry"),
    [(None, False), (LATER, False), (NOW, True), (NOW - (LATER - NOW), True)],
)
def test_only_a_ready_database_before_its_expiry_is_usable(
    state: State, ends: datetime | None, is_past_expiry: bool
) -> None:
    database = create_in_state(state, ends=ends)

    assert database.is_past_expiry(NOW) == is_past_expiry
    if state is State.PROVISIONING:
        with pytest.raises(InFlight, match="is provisioning"):
            check_usable(database, NOW)
    elif state is State.READY and not is_past_expiry:
        check_usable(database, NOW)
    else:
        shown = State.EXPIRED if state is State.READY else state
        with pytest.raises(IllegalTransition, match=f"is {shown}, not ready"):
            check_usable(database, NOW)


def test_the_password_is_not_known_during_a_rotation() -> None:
    ready = create_in_state(State.READY)
    rotating = ready.start(Operation.ROTATE, NOW)

    check_password_known(ready, NOW)
    check_password_known(rotating.complete(Operation.ROTATE, NOW), NOW)
    for database in (rotating, rotating.fail(Operation.ROTATE, NOW, "No.")):
        with pytest.raises(InFlight):
            check_password_known(database, NOW)


def test_a_database_is_rejected_on_another_target() -> None:
    check_target(new_record(target=TARGET), replace(TARGET, provider="another"))
    with pytest.raises(OtherTarget, match=r"on 'elsewhere'.* now uses 'here'"):
        check_target(new_record(target=ELSEWHERE), TARGET)


@pytest.mark.parametrize("state", [State.READY, State.EXPIRED])
@pytest.mark.parametrize("ends", [None, LATER])
def test_a_missing_database_is_gone_until_it_is_found(state: State, ends: datetime | None) -> None:
    missing = create_in_state(state, ends=ends).mark_missing()

    assert (missing.is_gone, missing.is_missing, missing.is_idle, missing.wake_at) == (
        True,
        True,
        True,
        None,
    )
    found = missing.mark_found(NAMES)
    assert (found.state, found.names, found.expires_at) == (State.READY, NAMES, ends)
    assert (found.wake_at, found.is_missing, found.is_idle) == (ends, False, True)


@pytest.mark.parametrize("operation", [Operation.ROTATE, Operation.SET_READ_ONLY])
def test_pending_operations_continue_when_a_database_is_found(operation: Operation) -> None:
    begun = create_in_state(State.READY, ends=LATER).start(operation, NOW)
    assert begun.mark_missing().mark_found(NAMES).wake_at == DUE_NOW


@each
def test_only_a_deleted_database_without_a_deletion_is_missing(state: State) -> None:
    assert create_in_state(state).is_missing == (state is State.DELETED)
    assert not create_in_state(state).complete(Operation.DELETE, NOW).is_missing


@pytest.mark.parametrize("state", [State.DELETING, State.DELETED, State.FAILED])
def test_a_database_in_deletion_cannot_be_missing(state: State) -> None:
    with pytest.raises(IllegalTransition):
        create_in_state(state).mark_missing()


def test_failed_steps_are_no_changes() -> None:
    database = create_in_state(State.READY)

    assert database.complete(Operation.ROTATE, LATER).changed_at == LATER
    assert database.start(Operation.ROTATE, LATER).changed_at == LATER
    assert database.fail(Operation.ROTATE, LATER, "Not found.").changed_at == NOW
    assert replace(database, history=()).changed_at == NOW
