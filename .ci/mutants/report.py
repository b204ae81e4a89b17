"""Results: kept as JSON, so that a run can be continued, and two compared; printed as a table."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from mutants.areas import AREAS

HEAD = f"{'area':<22}{'mutants':>9}{'killed':>9}{'survived':>10}{'timed out':>11}{'rate':>8}"

Key = tuple[str, str]


class Outcome(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Result:
    """`tests` is the number of those that were chosen, `test` the one that failed."""

    area: str
    file: str
    line: int
    operator: str
    diff: str
    outcome: Outcome
    tests: int
    test: str
    seconds: float

    @property
    def key(self) -> Key:
        """The key of the mutant, which is the same in two runs."""
        return self.file, self.diff

    @property
    def text(self) -> str:
        place = f"{self.file}:{self.line}"
        return (
            f"{self.outcome:<10}{place}  {self.operator}, {self.tests} tests {self.test}".rstrip()
        )


def save(file: Path, tree: str, results: Iterable[Result]) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps({"tree": tree, "mutants": [asdict(one) for one in results]}))
    temporary.replace(file)


def load(file: Path, tree: str | None = None) -> dict[Key, Result]:
    """Return the saved results by mutant; none if they are of another tree."""
    saved: Any = json.loads(file.read_text()) if file.exists() else {"tree": "", "mutants": []}
    if tree not in {None, saved["tree"]}:
        return {}
    results = [Result(**{**one, "outcome": Outcome(one["outcome"])}) for one in saved["mutants"]]
    return {result.key: result for result in results}


def report(results: Sequence[Result]) -> str:
    """Return the table, and each survivor with its diff."""
    survivors = [one for one in results if one.outcome == Outcome.SURVIVED]
    texts = (f"{one.text}\n{one.diff}" for one in sorted(survivors, key=lambda one: one.key))
    return "\n\n".join((_table(results), *texts))


def compare_runs(before: Mapping[Key, Result], results: Sequence[Result]) -> str:
    """Return a table of each run for the mutants of both, and the mutants that only the earlier run
    killed."""
    both = [one for one in results if one.key in before]
    earlier = [before[one.key] for one in both]
    escaped = [
        f"{one.text}\nbefore: {old.text}\n{one.diff}"
        for one, old in zip(both, earlier, strict=True)
        if one.outcome == Outcome.SURVIVED != old.outcome
    ]
    heads = f"before\n{_table(earlier)}", f"after\n{_table(both)}", f"escaped: {len(escaped)}"
    return "\n\n".join((*heads, *escaped))


def _table(results: Sequence[Result]) -> str:
    rows = [(area, [one for one in results if one.area == area]) for area in AREAS]
    return "\n".join([HEAD, *(_row(*row) for row in [*rows, ("all", results)] if row[1])])


def _row(name: str, results: Sequence[Result]) -> str:
    counts = [sum(one.outcome == outcome for one in results) for outcome in Outcome]
    killed, survived, timed_out = counts
    rate = (len(results) - survived) / len(results)
    return f"{name:<22}{len(results):>9}{killed:>9}{survived:>10}{timed_out:>11}{rate:>8.0%}"
