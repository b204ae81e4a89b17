"""The guard's policy: which transactions it ends."""

import pytest

from domain.guard_policy import GuardPolicy
from domain.locks import Lock, LockMode
from domain.server_snapshot import Capacity, Concern, Reason, ServerSnapshot
from domain.xid_usage import XidUsage
from tests.support.guard_states import (
    ADMIN,
    ATTACKER,
    AUTOVACUUM,
    SECOND,
    VICTIM,
    create_snapshot,
    lock,
    prepared,
    session,
)

WEAK, ROW, STRONG = LockMode.AccessShare, LockMode.RowExclusive, LockMode.AccessExclusive
CATALOG, OWN, FOREIGN, TUPLE, CHANGE = (
    "catalog:1260",
    "object:1",
    "object:2",
    "tuple:3",
    "transaction:4",
)

Situation = list[Lock]

FREEZE: Situation = [
    lock(ATTACKER, CATALOG, WEAK),
    lock(SECOND, CATALOG, STRONG, waited=0.1),
    lock(VICTIM, CATALOG, WEAK, waited=0.05),
]
HELD_DROP: Situation = [
    lock(ATTACKER, FOREIGN, WEAK, of="a"),
    lock(ADMIN, FOREIGN, STRONG, waited=3, of="a"),
]
CHANGED: Situation = [
    lock(ATTACKER, CHANGE, LockMode.Exclusive),
    lock(ADMIN, TUPLE, LockMode.Exclusive),
    lock(ADMIN, CHANGE, LockMode.Share, waited=3),
]
OWN_QUEUE: Situation = [
    lock(ATTACKER, OWN, WEAK, of="b"),
    lock(SECOND, OWN, STRONG, waited=3, of="b"),
    lock(VICTIM, OWN, ROW, waited=2.5, of="b"),
]
OF_AUTOVACUUM: Situation = [
    lock(ATTACKER, CHANGE, LockMode.Exclusive),
    lock(AUTOVACUUM, TUPLE, LockMode.Exclusive),
    lock(AUTOVACUUM, CHANGE, LockMode.Share, waited=301),
]

ENDED = {
    "a wait for a strong lock on a shared catalog": (FREEZE, {SECOND: Reason.WAITS}),
    "a wait behind the guard only": (FREEZE[1:2], {SECOND: Reason.WAITS}),
    "the wait, and not the neighbour that it waits for": (
        [lock(VICTIM, CATALOG, ROW), lock(SECOND, CATALOG, STRONG, waited=3)],
        {SECOND: Reason.WAITS},
    ),
    "a wait for a neighbour's database": (
        [lock(SECOND, FOREIGN, STRONG, waited=0.1, of="a")],
        {SECOND: Reason.WAITS},
    ),
    "a wait for a database of no tenant": (
        [lock(SECOND, "object:postgres", STRONG, waited=0.1)],
        {SECOND: Reason.WAITS},
    ),
    "a lock that the drop of a neighbour waits for": (HELD_DROP, {ATTACKER: Reason.HOLDS}),
    "a change of an entry that the admin waits to change": (CHANGED, {ATTACKER: Reason.HOLDS}),
    "a stronger lock on a catalog": (
        [lock(ATTACKER, CATALOG, ROW), lock(ADMIN, CATALOG, LockMode.Share, waited=3)],
        {ATTACKER: Reason.HOLDS},
    ),
    "a wait for the own database with a neighbour behind": (
        OWN_QUEUE,
        {SECOND: Reason.HOLDS},
    ),
    "a change of an entry that autovacuum waits for too long": (
        OF_AUTOVACUUM,
        {ATTACKER: Reason.HOLDS},
    ),
}

SPARED = {
    "a dump, with the operator's VACUUM FULL behind": [
        lock(ATTACKER, CATALOG, WEAK),
        lock(ADMIN, CATALOG, STRONG, waited=60),
    ],
    "a wait for a weak lock": [lock(VICTIM, CATALOG, WEAK, waited=60)],
    "a wait for the own database": OWN_QUEUE[:2],
    "a migration that waits for another one": [
        lock(ATTACKER, CHANGE, LockMode.Exclusive),
        lock(SECOND, TUPLE, LockMode.Exclusive),
        lock(SECOND, CHANGE, LockMode.Share, waited=60),
    ],
    "a lock that others wait for briefly": [
        HELD_DROP[0],
        lock(ADMIN, FOREIGN, STRONG, waited=1.9, of="a"),
    ],
    "a lock without conflicts": [
        HELD_DROP[0],
        lock(ADMIN, FOREIGN, ROW, waited=60, of="a"),
    ],
    "a lock on its own tables": [CHANGED[0], CHANGED[2]],
    "a migration that autovacuum waits for a while": [
        *OF_AUTOVACUUM[:2],
        lock(AUTOVACUUM, CHANGE, LockMode.Share, waited=299),
    ],
    "a wait for the lock to send a notification": [
        lock(ATTACKER, "short_lived:notify", STRONG),
        lock(VICTIM, "short_lived:notify", STRONG, waited=60),
    ],
    "a tenant that blocks only itself": [
        lock(ATTACKER, OWN, STRONG, of="b"),
        lock(SECOND, OWN, WEAK, waited=60, of="b"),
    ],
}


def find_reasons(seen: ServerSnapshot, policy: GuardPolicy | None = None) -> dict[object, Reason]:
    terminations = (policy or GuardPolicy()).find_terminations(seen, XidUsage())
    return {termination.suspect.party: termination.reason for termination in terminations}


@pytest.mark.parametrize(("situation", "expected"), ENDED.values(), ids=ENDED)
def test_the_guard_ends(situation: Situation, expected: dict[object, Reason]) -> None:
    assert find_reasons(create_snapshot(*situation)) == expected


@pytest.mark.parametrize("situation", SPARED.values(), ids=SPARED)
def test_the_guard_spares(situation: Situation) -> None:
    assert find_reasons(create_snapshot(*situation)) == {}


def test_the_guard_ends_only_tenants() -> None:
    """It ends no session of the operator or of another pgvend, which has its own guard."""
    for situation, _ in ENDED.values():
        assert find_reasons(create_snapshot(*situation, sessions=[])) == {}


def test_a_prepared_transaction_is_ended_like_a_session() -> None:
    held = lock("kept", FOREIGN, WEAK, of="a")
    assert find_reasons(create_snapshot(held, HELD_DROP[1], prepared=[prepared()])) == {
        "kept": Reason.HOLDS
    }


def test_the_age_of_transactions_is_limited_only_if_configured() -> None:
    seen = create_snapshot(
        sessions=[session(ATTACKER, open_for=101.0), session(VICTIM, open_for=99.0)],
        prepared=[prepared(open_for=500.0)],
    )
    assert find_reasons(seen) == {}
    policy = GuardPolicy(oldest_transaction=100)
    assert find_reasons(seen, policy) == {ATTACKER: Reason.OLD, "kept": Reason.OLD}


def test_sessions_that_hold_transaction_ids_are_ended_when_ids_are_scarce() -> None:
    sessions = [
        session(ATTACKER, held_id=100),
        session(VICTIM, held_id=1_000_000_000),
        session(SECOND, database="old", connected_for=7200.0),
    ]
    for age, expected in (
        (999_999_999, {}),
        (1_000_000_000, {ATTACKER: Reason.KEEPS_IDS, SECOND: Reason.KEEPS_IDS}),
    ):
        seen = create_snapshot(sessions=sessions, next_id=1_000_000_100, ages={"old": age})
        assert find_reasons(seen) == expected


def test_the_guard_yields_to_work_that_only_its_own_locks_block() -> None:
    of_operator = lock(ADMIN, CATALOG, STRONG, waited=0.1)

    assert GuardPolicy().should_yield(create_snapshot(of_operator))
    assert not GuardPolicy().should_yield(
        create_snapshot(lock(ATTACKER, CATALOG, WEAK), of_operator)
    )
    assert not GuardPolicy().should_yield(
        create_snapshot(lock(ATTACKER, CATALOG, STRONG, waited=0.1))
    )
    assert not GuardPolicy().should_yield(create_snapshot())


def test_the_guard_reports_concerns() -> None:
    policy = GuardPolicy()
    well = create_snapshot(
        connections=Capacity(free=10, total=100), disk=Capacity(free=10, total=100), ages={"a": 1}
    )
    bad = create_snapshot(
        connections=Capacity(free=9, total=100),
        disk=Capacity(free=9, total=100),
        ages={"a": 500_000_000},
        can_end_sessions=False,
        can_see_transactions=False,
    )
    assert list(policy.find_concerns(well)) == []
    assert set(policy.find_concerns(bad)) == set(Concern)
