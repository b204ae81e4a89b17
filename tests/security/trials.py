"""Every attack on a server of every kind."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.security.attack import Attack
from tests.security.attacks import identity, neighbour, obstruction, server, share, sight, traps
from tests.security.opening import Base, opened_stage
from tests.security.outcome import KINDS, Kind, Outcome
from tests.security.stage import Stage

THEMES: Mapping[str, Sequence[Attack]] = {
    "A's database": neighbour.ATTACKS,
    "Being somebody else, or more": identity.ATTACKS,
    "A's sessions, and what is seen of A": sight.ATTACKS,
    "The server": server.ATTACKS,
    "More than its share": share.ATTACKS,
    "Others' way": obstruction.ATTACKS,
    "Behind pgvend's back": traps.ATTACKS,
}


@dataclass(frozen=True)
class Cell:
    kind: Kind
    attack: Attack

    def __str__(self) -> str:
        return f"{self.kind}, {self.attack}"


CELLS = tuple(Cell(kind, attack) for kind in KINDS for theme in THEMES.values() for attack in theme)

Results = Mapping[Cell, Outcome | Exception]


async def results_of(bases: Mapping[str, Base]) -> Results:
    """Servers side by side; on each of them one attack after the other."""
    shared = groupby(KINDS, key=lambda kind: kind.base)
    tried = [_tried(list(kinds), bases[name]) for name, kinds in shared]
    return {cell: result for part in await asyncio.gather(*tried) for cell, result in part.items()}


async def _tried(kinds: Iterable[Kind], base: Base) -> Results:
    results: dict[Cell, Outcome | Exception] = {}
    for kind in kinds:
        async with opened_stage(kind, base) as stage:
            portrait = await stage.portrait()
            for cell in (cell for cell in CELLS if cell.kind == kind):
                result = results[cell] = await _result(stage, cell.attack, portrait)
                if isinstance(result, Exception):  # told once
                    portrait = await stage.portrait()
    return results


async def _result(stage: Stage, attack: Attack, portrait: str) -> Outcome | Exception:
    """`portrait` is of A when it was whole."""
    try:
        outcome = await attack(stage)
        assert await stage.portrait() == portrait, "A is not whole"
    except Exception as error:
        return error
    return outcome
