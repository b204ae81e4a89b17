"""Measurements in turns, so that other load on the machine affects all methods alike."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, permutations
from statistics import median, quantiles
from time import perf_counter

from bench.methods import Create, Undo

MIN_CREATIONS_PER_CALLER = 2
"""The minimum in a turn: only after its first creation does a caller meet other callers at any of
their steps."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The results of one method in one round at one concurrency; times in seconds."""

    creations: Sequence[float]
    elapsed: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One method's turns at one concurrency."""

    turns: Sequence[Turn]

    @property
    def creations(self) -> Sequence[float]:
        return list(chain.from_iterable(turn.creations for turn in self.turns))

    @property
    def p90(self) -> float:
        return quantiles(self.creations, n=10, method="inclusive")[-1]

    @property
    def rate(self) -> float:
        return len(self.creations) / sum(turn.elapsed for turn in self.turns)

    def ratio_to(self, other: "Measurement") -> float:
        """Return the ratio of the times of a creation: the median over the ratios of all rounds."""
        rounds = zip(self.turns, other.turns, strict=True)
        return median(median(one.creations) / median(two.creations) for one, two in rounds)


Results = Mapping[tuple[str, int], Measurement]
"""By method and concurrency."""


async def measure(
    methods: Mapping[str, Create], concurrencies: Sequence[int], rounds: int, creations: int
) -> Results:
    """Give each method a turn in every round, each round in another order: a turn is slower if the
    one before it left data to be written. The first round only warms up."""
    turns: dict[tuple[str, int], list[Turn]] = {
        (method, concurrency): [] for concurrency in concurrencies for method in methods
    }
    orders = cycle(permutations(methods))
    for _, order in zip(range(1 + rounds), orders, strict=False):
        for concurrency in concurrencies:
            for method in order:
                turn = await _run_turn(methods[method], concurrency, creations)
                turns[method, concurrency].append(turn)
    return {key: Measurement(each[1:]) for key, each in turns.items()}


async def _run_turn(create: Create, concurrency: int, creations: int) -> Turn:
    """Run the creations with that many callers, each of which waits for its response before it
    sends the next request."""
    remaining = iter(range(max(creations, concurrency * MIN_CREATIONS_PER_CALLER)))
    times: list[float] = []
    undos: list[Undo] = []

    async def call() -> None:
        for _ in remaining:
            begin = perf_counter()
            undo = await create()
            times.append(perf_counter() - begin)
            undos.append(undo)

    begin = perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(concurrency):
            callers.create_task(call())
    turn = Turn(times, perf_counter() - begin)
    await asyncio.gather(*(undo() for undo in undos))  # the next turn finds the same server
    return turn
