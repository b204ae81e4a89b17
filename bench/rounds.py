"""Measuring by turns: whatever the machine does meanwhile, it does to all subjects alike."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, permutations
from statistics import median, quantiles
from time import perf_counter

from bench.subjects import Undo, Vend

VENDS_OF_A_CALLER = 2
"""At least, in a turn: after its first vend a caller meets the others at any of their steps."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one subject did in one round at one concurrency; times in seconds."""

    vends: Sequence[float]
    elapsed: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One subject's turns at one concurrency."""

    turns: Sequence[Turn]

    @property
    def vends(self) -> Sequence[float]:
        return list(chain.from_iterable(turn.vends for turn in self.turns))

    @property
    def p90(self) -> float:
        return quantiles(self.vends, n=10, method="inclusive")[-1]

    @property
    def rate(self) -> float:
        return len(self.vends) / sum(turn.elapsed for turn in self.turns)

    def ratio_to(self, other: "Measured") -> float:
        """How much longer a vend takes: of the two medians in each round, the median."""
        rounds = zip(self.turns, other.turns, strict=True)
        return median(median(mine.vends) / median(theirs.vends) for mine, theirs in rounds)


Results = Mapping[tuple[str, int], Measured]
"""By subject and concurrency."""


async def measured(
    subjects: Mapping[str, Vend], concurrencies: Sequence[int], rounds: int, vends: int
) -> Results:
    """Every round gives each subject its turn, each round in another order: a turn feels what the
    one before it left to be written. The first round only warms up."""
    turns: dict[tuple[str, int], list[Turn]] = {
        (subject, concurrency): [] for concurrency in concurrencies for subject in subjects
    }
    orders = cycle(permutations(subjects))
    for _, order in zip(range(1 + rounds), orders, strict=False):
        for concurrency in concurrencies:
            for subject in order:
                turn = await _turn(subjects[subject], concurrency, vends)
                turns[subject, concurrency].append(turn)
    return {key: Measured(taken[1:]) for key, taken in turns.items()}


async def _turn(vend: Vend, concurrency: int, vends: int) -> Turn:
    """So many vends by so many callers, each of which waits for its answer and asks again."""
    left = iter(range(max(vends, concurrency * VENDS_OF_A_CALLER)))
    times: list[float] = []
    undos: list[Undo] = []

    async def call() -> None:
        for _ in left:
            begin = perf_counter()
            undo = await vend()
            times.append(perf_counter() - begin)
            undos.append(undo)

    begin = perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(concurrency):
            callers.create_task(call())
    turn = Turn(times, perf_counter() - begin)
    await asyncio.gather(*(undo() for undo in undos))  # the next turn finds the server as we did
    return turn
