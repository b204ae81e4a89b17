"""`make mutants`: draw mutants of each area, let the tests find them, and report."""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.areas import AREAS, ROOT
from mutants.mutations import Mutant, sample
from mutants.record import Record
from mutants.report import Key, Outcome, Result, compare_runs, load, report, save
from mutants.trial import BUDGET, Verdict, Worker, warm

PROCESSES = 2


@dataclass(frozen=True)
class Job:
    mutant: Mutant
    tests: list[str]


class Examiner:
    """One of the processes, and its state."""

    def __init__(self, folder: Path) -> None:
        self._worker = Worker(folder)
        self._sound: dict[Sequence[str], bool] = {}

    def examine(self, job: Job) -> Result:
        began = time.monotonic()
        verdict = self._verdict(job.mutant, job.tests) if job.tests else Verdict(passed=True)
        return _result(job, verdict, time.monotonic() - began)

    def _verdict(self, mutant: Mutant, tests: list[str]) -> Verdict:
        """Return the verdict of the tests that pass on the unchanged product."""
        with self._worker.mutated(mutant.file, mutant.code):
            verdict = self._worker.run(tests)
        witnesses = tests if verdict.timed_out else tests[:1]
        if verdict.test:
            witnesses = [verdict.test]
        if verdict.passed or self._are_sound(tuple(witnesses)):
            return verdict
        left = [test for test in tests if test not in witnesses]
        return self._verdict(mutant, left) if left else Verdict(passed=True)

    def _are_sound(self, tests: Sequence[str]) -> bool:
        if tests not in self._sound:
            self._sound[tests] = self._worker.run(tests).passed
        return self._sound[tests]


_examiner: Examiner


def main() -> None:
    options = _options()
    record = Record(options.folder / "record")
    record.complete()
    file = options.folder / "results.json"
    known = load(file, record.tree)
    for result in _results(options, record, known.keys()):
        known[result.key] = result
        save(file, record.tree, known.values())
        print(result.text, file=sys.stderr, flush=True)
    print(report(list(known.values())))
    if options.compare:
        print("\n" + compare_runs(load(options.compare), list(known.values())))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="mutants of each area (100)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the mutants (1)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutants", help="what is kept")
    parser.add_argument("--compare", type=Path, help="the results.json of an earlier run")
    return parser.parse_args()


def _results(
    options: argparse.Namespace, record: Record, known: Container[Key]
) -> Iterator[Result]:
    mutants = (one for area in AREAS for one in sample(ROOT, area, options.count, options.seed))
    jobs = [
        Job(one, record.tests(one.file, one.place, BUDGET))
        for one in mutants
        if (one.file, one.diff) not in known
    ]
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # some tests run the service as another user
        warm(folder)
        fork = multiprocessing.get_context("fork")
        with fork.Pool(PROCESSES, _begin, (folder,)) as pool:
            yield from pool.imap_unordered(_examine, jobs)


def _begin(folder: Path) -> None:
    global _examiner  # noqa: PLW0603 - a pool's process keeps what it began with here
    own = folder / str(os.getpid())
    own.mkdir()
    _examiner = Examiner(own)


def _examine(job: Job) -> Result:
    return _examiner.examine(job)


def _result(job: Job, verdict: Verdict, seconds: float) -> Result:
    outcome = Outcome.TIMED_OUT if verdict.timed_out else Outcome.KILLED
    return Result(
        area=job.mutant.area,
        file=job.mutant.file,
        line=job.mutant.place.line,
        operator=job.mutant.operator,
        diff=job.mutant.diff,
        outcome=Outcome.SURVIVED if verdict.passed else outcome,
        tests=len(job.tests),
        test=verdict.test,
        seconds=round(seconds, 1),
    )


if __name__ == "__main__":
    main()
