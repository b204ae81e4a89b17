"""Measurements in turns, so that other load on the machine affects all methods alike."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, permutations
from statistics import median
from time import perf_counter

from bench.results import Row, spread

MIN_CALLS_PER_CALLER = 2
"""The minimum in a turn: only after its first call does a caller meet other callers at any of their
steps."""

Undo = Callable[[], Awaitable[object]]
Call = Callable[[], Awaitable[Undo]]
"""The measured call. It returns a function that undoes it, which is not measured."""


async def nothing() -> None:
    """Undo a call that changed nothing, or prepare nothing."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method to compare. `prepare` runs before each of its turns and is not measured."""

    name: str
    call: Call
    prepare: Callable[[], Awaitable[object]] = nothing


@dataclass(frozen=True, slots=True)
class Load:
    """Callers at once, and how many rounds and calls in a turn they get. No round begins after
    `seconds`, so that a run ends on a slow machine too."""

    callers: int
    rounds: int
    calls: int
    seconds: float = 60

    @property
    def setting(self) -> str:
        return f"{self.callers} at once"

    @property
    def calls_per_turn(self) -> int:
        return max(self.calls, self.callers * MIN_CALLS_PER_CALLER)


@dataclass(frozen=True, slots=True)
class Turn:
    """One method's times in one round, in seconds."""

    times: Sequence[float]
    elapsed: float


Turns = Mapping[str, Sequence[Turn]]
"""The turns of each method by its name, one for each round."""


async def take_turns(methods: Sequence[Method], load: Load) -> Turns:
    """Give each method a turn in every round, each round in another order: a turn is slower if the
    one before it left data to be written. The first round only warms up."""
    turns: dict[str, list[Turn]] = {method.name: [] for method in methods}
    begin = perf_counter()
    for number, order in zip(range(1 + load.rounds), cycle(permutations(methods)), strict=False):
        if number > 1 and perf_counter() - begin > load.seconds:
            break
        for method in order:
            turns[method.name].append(await _run_turn(method, load))
    return {name: taken[1:] for name, taken in turns.items()}


def compare(turns: Turns, setting: str, baseline: str) -> list[Row]:
    """Return a row for each method, with the ratio to the baseline: the median over the rounds."""
    return [
        _create_row(name, setting, taken, None if name == baseline else turns[baseline])
        for name, taken in turns.items()
    ]


def _create_row(
    name: str, setting: str, turns: Sequence[Turn], baseline: Sequence[Turn] | None
) -> Row:
    times = list(chain.from_iterable(turn.times for turn in turns))
    rate = len(times) / sum(turn.elapsed for turn in turns)
    ratios = _ratios(turns, baseline or turns)
    return Row.from_seconds(
        name,
        setting,
        times,
        per_second=rate,
        ratio=median(ratios),
        ratio_spread=spread(ratios, parts=4),
    )


def _ratios(turns: Sequence[Turn], baseline: Sequence[Turn]) -> list[float]:
    rounds = zip(turns, baseline, strict=True)
    return [median(one.times) / median(other.times) for one, other in rounds]


async def _run_turn(method: Method, load: Load) -> Turn:
    """Run the calls with that many callers, each of which waits for its response before it sends
    the next request."""
    await method.prepare()
    times, undos = list[float](), list[Undo]()
    remaining = iter(range(load.calls_per_turn))

    async def call() -> None:
        for _ in remaining:
            begin = perf_counter()
            undo = await method.call()
            times.append(perf_counter() - begin)
            undos.append(undo)

    begin = perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(load.callers):
            callers.create_task(call())
    elapsed = perf_counter() - begin
    await asyncio.gather(*(undo() for undo in undos))  # the next turn finds the same server
    return Turn(times, elapsed)
