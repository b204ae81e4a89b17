"""Lock modes and waits."""

from itertools import product

from domain.locks import Lock, LockKind, LockMode, find_blocked

MATRIX = """
AccessShare          .......X
RowShare             ......XX
RowExclusive         ....XXXX
ShareUpdateExclusive ...XXXXX
Share                ..XX.XXX
ShareRowExclusive    ..XXXXXX
Exclusive            .XXXXXXX
AccessExclusive      XXXXXXXX
"""
"""PostgreSQL's documentation, "Conflicting Lock Modes"."""


def test_modes_conflict_as_postgresql_documents() -> None:
    lines = [line.split() for line in MATRIX.strip().splitlines()]
    for (name, row), other in product(lines, LockMode):
        assert LockMode[name].conflicts_with(other) == (row[other - 1] == "X"), (name, other)


def lock(party: int, mode: LockMode, *, target: str = "t", waited: float | None = None) -> Lock:
    return Lock(
        party=party,
        kind=LockKind.CATALOG,
        target=target,
        mode=mode,
        granted=waited is None,
        waited=waited or 0.0,
    )


def test_a_wait_is_blocked_by_holders_and_earlier_waits() -> None:
    weak, strong = LockMode.AccessShare, LockMode.AccessExclusive
    holding = lock(1, weak)
    first = lock(2, strong, waited=2)
    later = lock(3, weak, waited=1)
    elsewhere = lock(4, strong, target="another")

    assert list(find_blocked([holding, first, later, elsewhere])) == [
        (holding, first),
        (first, later),
    ]


def test_a_session_does_not_wait_for_itself() -> None:
    assert (
        list(find_blocked([lock(1, LockMode.Share), lock(1, LockMode.Exclusive, waited=1)])) == []
    )
