"""Detection of sessions that use up transaction ids."""

from domain.guard_policy import GuardPolicy
from domain.server_snapshot import WRAP, Look, Reason
from domain.xid_usage import ACCUSED, FAST, LOOKS, Burning
from tests.support.guard_states import ATTACKER, SECOND, VICTIM, look, session

FIRST = WRAP - 10 * FAST
"""Transaction ids wrap around during the tests."""


def snapshot_at(number: int, *, by: int = FAST, **newest: int | None) -> Look:
    """The snapshot of that number: `by` ids were used since the previous one; `newest` is the
    distance of each session's newest id from the next id."""
    next_id = (FIRST + number * by) % WRAP
    pids = {"attacker": ATTACKER, "second": SECOND, "victim": VICTIM}
    sessions = [
        session(pid, newest_id=None if (ago := newest.get(name)) is None else next_id - ago)
        for name, pid in pids.items()
    ]
    return look(sessions=sessions, next_id=next_id, ages={"a": 600_000_000})


def observe(looks: list[Look]) -> tuple[Burning, list[int]]:
    burning = Burning()
    for each in looks:
        burning = burning.after(each)
    return burning, [session.pid for session in burning.burners(looks[-1])]


def test_a_session_that_takes_ids_in_many_snapshots_uses_them_up() -> None:
    looks = [snapshot_at(number, attacker=1, victim=FAST // 2) for number in range(ACCUSED + 1)]

    assert observe(looks)[1] == [ATTACKER]
    assert observe(looks[:-1])[1] == [], "a few hits are normal"
    burning, _ = observe(looks)
    [ending] = GuardPolicy().endings(looks[-1], burning)
    assert (ending.suspect.party, ending.reason) == (ATTACKER, Reason.BURNS)


def test_no_session_is_reported_while_few_ids_are_used() -> None:
    looks = [snapshot_at(number, by=FAST - 1, attacker=1) for number in range(LOOKS)]
    assert observe(looks) == (Burning(next_id=looks[-1].next_id), [])


def test_no_session_is_ended_while_ids_are_plenty() -> None:
    looks = [snapshot_at(number, attacker=1) for number in range(LOOKS)]
    burning, _ = observe(looks)
    plenty = look(sessions=looks[-1].sessions, next_id=looks[-1].next_id, ages={"a": 499_999_999})
    assert GuardPolicy().endings(plenty, burning) == []


def test_snapshots_without_new_ids_change_nothing() -> None:
    """A running transaction's ids are visible while it holds one of them."""
    looks = []
    for number in range(2 * ACCUSED):
        looks += [snapshot_at(number + 1, attacker=1), snapshot_at(0, victim=1)]
    assert observe(looks[:-1])[1] == [ATTACKER]


def test_only_the_session_with_the_most_hits_is_reported() -> None:
    looks = [snapshot_at(number, attacker=1, second=1) for number in range(ACCUSED + 1)]
    assert observe(looks)[1] == [ATTACKER, SECOND]
    looks.append(snapshot_at(ACCUSED + 1, attacker=1, second=FAST // 2))
    assert observe(looks)[1] == [ATTACKER]


def test_old_snapshots_do_not_count() -> None:
    looks = [snapshot_at(number, attacker=1) for number in range(ACCUSED + 1)]
    looks += [snapshot_at(number, attacker=FAST) for number in range(ACCUSED + 1, ACCUSED + LOOKS)]
    assert observe(looks)[1] == []
