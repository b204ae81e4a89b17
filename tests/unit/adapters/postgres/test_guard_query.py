"""Conversion of the guard's query result."""

from typing import Any

import pytest

from adapters.postgres.guard_query import parse_snapshot
from domain.locks import LockKind, LockMode
from domain.server_snapshot import XID_WRAPAROUND, Capacity, ServerSnapshot


def create_answer(**more: Any) -> dict[str, Any]:
    """Return the query's result for an idle server; arguments replace parts of it."""
    return {
        "guard": {"may_end": True, "may_see": True, "guards": [7]},
        "next_id": 1000,
        "ids": None,
        "sessions": None,
        "prepared": None,
        "locks": None,
        "system_sessions": None,
        "databases": [["postgres", 900, 5]],
        "max_sessions": 97,
        "open_sessions": 3,
        **more,
    }


def parse(**more: Any) -> ServerSnapshot:
    return parse_snapshot(create_answer(**more), None)


def test_an_idle_server_has_only_free_connections() -> None:
    snapshot = parse()
    assert snapshot.guards == [7]
    assert [*snapshot.suspects, *snapshot.locks, *snapshot.system_sessions] == []
    assert (snapshot.next_id, snapshot.ages) == (1000, {"postgres": 100})
    assert snapshot.connections == Capacity(free=94, total=97)


@pytest.mark.parametrize(
    ("locktype", "target", "kind"),
    [
        ("relation", "relation:1260", LockKind.CATALOG),
        ("object", "object:1262:5", LockKind.OBJECT),
        ("tuple", "tuple:1262:0:1", LockKind.TUPLE),
        ("transactionid", "transactionid:730", LockKind.TRANSACTION),
        ("extend", "extend:1214", LockKind.SHORT_LIVED),
        ("object", "object:1262:0", LockKind.SHORT_LIVED),  # NOTIFY
    ],
)
def test_each_lock_has_a_kind(locktype: str, target: str, kind: LockKind) -> None:
    row = {
        "party": 8,
        "kind": locktype,
        "mode": "ShareRowExclusiveLock",
        "granted": False,
        "waited": 1.5,
        "target": target,
        "tenant": "a",
    }
    [lock] = parse(locks=[row]).locks
    assert (lock.kind, lock.mode, lock.waited) == (kind, LockMode.ShareRowExclusive, 1.5)


def test_ids_of_open_transactions_count_also_after_a_wraparound() -> None:
    assert parse(ids=[1200, 999]).next_id == 1201
    snapshot = parse(
        next_id=(3 << 32) + XID_WRAPAROUND - 1, ids=[5], databases=[["a", XID_WRAPAROUND - 95, 0]]
    )
    assert (snapshot.next_id, snapshot.ages) == (6, {"a": 101})


def test_the_age_of_multixacts_counts_too() -> None:
    assert parse(databases=[["a", 900, 700]]).ages == {"a": 700}


def test_a_session_has_its_oldest_held_and_its_newest_id() -> None:
    row = {
        "pid": 8,
        "tenant": "a",
        "role": 16384,
        "database": "of_a",
        "open_for": 2.5,
        "connected_for": 9.5,
        "held": [980, 970],
        "ids": [980, 990],
    }
    [session] = parse(sessions=[row]).sessions
    assert (session.held_id, session.newest_id) == (970, 990)
    [idle] = parse(sessions=[{**row, "held": [None, None], "ids": None}]).sessions
    assert (idle.held_id, idle.newest_id) == (None, None)
