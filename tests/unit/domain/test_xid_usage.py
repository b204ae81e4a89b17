"""Detection of sessions that use up transaction ids."""

from domain.guard_policy import GuardPolicy
from domain.server_snapshot import XID_WRAPAROUND, Reason, ServerSnapshot
from domain.xid_usage import MIN_HITS, MIN_IDS_USED, SNAPSHOTS_KEPT, XidUsage
from tests.support.guard_states import ATTACKER, SECOND, VICTIM, create_snapshot, session

FIRST = XID_WRAPAROUND - 10 * MIN_IDS_USED
"""Transaction ids wrap around during the tests."""


def create_numbered_snapshot(
    number: int, *, by: int = MIN_IDS_USED, **newest: int | None
) -> ServerSnapshot:
    """The snapshot of that number: `by` ids were used since the previous one; `newest` is the
    distance of each session's newest id from the next id."""
    next_id = (FIRST + number * by) % XID_WRAPAROUND
    pids = {"attacker": ATTACKER, "second": SECOND, "victim": VICTIM}
    sessions = [
        session(pid, newest_id=None if (ago := newest.get(name)) is None else next_id - ago)
        for name, pid in pids.items()
    ]
    return create_snapshot(sessions=sessions, next_id=next_id, ages={"a": 600_000_000})


def observe(snapshots: list[ServerSnapshot]) -> tuple[XidUsage, list[int]]:
    xid_usage = XidUsage()
    for each in snapshots:
        xid_usage = xid_usage.with_snapshot(each)
    return xid_usage, [session.pid for session in xid_usage.find_heavy_users(snapshots[-1])]


def test_a_session_that_takes_ids_in_many_snapshots_uses_them_up() -> None:
    snapshots = [
        create_numbered_snapshot(number, attacker=1, victim=MIN_IDS_USED // 2)
        for number in range(MIN_HITS + 1)
    ]

    assert observe(snapshots)[1] == [ATTACKER]
    assert observe(snapshots[:-1])[1] == [], "a few hits are normal"
    xid_usage, _ = observe(snapshots)
    [termination] = GuardPolicy().find_terminations(snapshots[-1], xid_usage)
    assert (termination.suspect.party, termination.reason) == (ATTACKER, Reason.USES_IDS)


def test_no_session_is_reported_while_few_ids_are_used() -> None:
    snapshots = [
        create_numbered_snapshot(number, by=MIN_IDS_USED - 1, attacker=1)
        for number in range(SNAPSHOTS_KEPT)
    ]
    assert observe(snapshots) == (XidUsage(next_id=snapshots[-1].next_id), [])


def test_no_session_is_ended_while_ids_are_plenty() -> None:
    snapshots = [create_numbered_snapshot(number, attacker=1) for number in range(SNAPSHOTS_KEPT)]
    xid_usage, _ = observe(snapshots)
    plenty = create_snapshot(
        sessions=snapshots[-1].sessions, next_id=snapshots[-1].next_id, ages={"a": 499_999_999}
    )
    assert GuardPolicy().find_terminations(plenty, xid_usage) == []


def test_snapshots_without_new_ids_change_nothing() -> None:
    """A running transaction's ids are visible while it holds one of them."""
    snapshots = []
    for number in range(2 * MIN_HITS):
        snapshots += [
            create_numbered_snapshot(number + 1, attacker=1),
            create_numbered_snapshot(0, victim=1),
        ]
    assert observe(snapshots[:-1])[1] == [ATTACKER]


def test_only_the_session_with_the_most_hits_is_reported() -> None:
    snapshots = [
        create_numbered_snapshot(number, attacker=1, second=1) for number in range(MIN_HITS + 1)
    ]
    assert observe(snapshots)[1] == [ATTACKER, SECOND]
    snapshots.append(create_numbered_snapshot(MIN_HITS + 1, attacker=1, second=MIN_IDS_USED // 2))
    assert observe(snapshots)[1] == [ATTACKER]


def test_old_snapshots_do_not_count() -> None:
    snapshots = [create_numbered_snapshot(number, attacker=1) for number in range(MIN_HITS + 1)]
    snapshots += [
        create_numbered_snapshot(number, attacker=MIN_IDS_USED)
        for number in range(MIN_HITS + 1, MIN_HITS + SNAPSHOTS_KEPT)
    ]
    assert observe(snapshots)[1] == []
