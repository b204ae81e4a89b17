"""Who uses up transaction ids."""

from domain.burning import ACCUSED, FAST, LOOKS, Burning
from domain.guard_policy import GuardPolicy
from domain.guarding import WRAP, Look, Reason
from tests.support.looks import ATTACKER, SECOND, VICTIM, look, session

FIRST = WRAP - 10 * FAST
"""Ids start again while it burns."""


def seen(number: int, *, by: int = FAST, **newest: int | None) -> Look:
    """The look of that number: `by` ids were used since the one before; `newest` says how far
    behind the next id each session's newest is."""
    next_id = (FIRST + number * by) % WRAP
    pids = {"attacker": ATTACKER, "second": SECOND, "victim": VICTIM}
    sessions = [
        session(pid, newest_id=None if (ago := newest.get(name)) is None else next_id - ago)
        for name, pid in pids.items()
    ]
    return look(sessions=sessions, next_id=next_id, ages={"a": 600_000_000})


def after(looks: list[Look]) -> tuple[Burning, list[int]]:
    burning = Burning()
    for each in looks:
        burning = burning.after(each)
    return burning, [session.pid for session in burning.burners(looks[-1])]


def test_who_has_just_taken_an_id_again_and_again_uses_them_up() -> None:
    looks = [seen(number, attacker=1, victim=FAST // 2) for number in range(ACCUSED + 1)]

    assert after(looks)[1] == [ATTACKER]
    assert after(looks[:-1])[1] == [], "once or twice, anybody does"
    burning, _ = after(looks)
    [ending] = GuardPolicy().endings(looks[-1], burning)
    assert (ending.suspect.party, ending.reason) == (ATTACKER, Reason.BURNS)


def test_nobody_is_accused_while_few_ids_are_used() -> None:
    looks = [seen(number, by=FAST - 1, attacker=1) for number in range(LOOKS)]
    assert after(looks) == (Burning(next_id=looks[-1].next_id), [])


def test_nobody_is_ended_while_ids_are_plenty() -> None:
    looks = [seen(number, attacker=1) for number in range(LOOKS)]
    burning, _ = after(looks)
    plenty = look(sessions=looks[-1].sessions, next_id=looks[-1].next_id, ages={"a": 499_999_999})
    assert GuardPolicy().endings(plenty, burning) == []


def test_looks_between_two_ids_change_nothing() -> None:
    """The ids of a transaction that goes on are known while it holds one of them."""
    looks = []
    for number in range(2 * ACCUSED):
        looks += [seen(number + 1, attacker=1), seen(0, victim=1)]
    assert after(looks[:-1])[1] == [ATTACKER]


def test_only_who_was_found_most_often_is_accused() -> None:
    looks = [seen(number, attacker=1, second=1) for number in range(ACCUSED + 1)]
    assert after(looks)[1] == [ATTACKER, SECOND]
    looks.append(seen(ACCUSED + 1, attacker=1, second=FAST // 2))
    assert after(looks)[1] == [ATTACKER]


def test_the_past_is_forgotten() -> None:
    looks = [seen(number, attacker=1) for number in range(ACCUSED + 1)]
    looks += [seen(number, attacker=FAST) for number in range(ACCUSED + 1, ACCUSED + LOOKS)]
    assert after(looks)[1] == []
