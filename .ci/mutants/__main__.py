"""`make mutants`: draw mutants of each area, run the tests on each, and report the results."""

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


class MutantTester:
    """Tests mutants in one of the processes."""

    def __init__(self, folder: Path) -> None:
        self._worker = Worker(folder)
        self._passes_unchanged: dict[Sequence[str], bool] = {}

    def test(self, job: Job) -> Result:
        start = time.monotonic()
        verdict = self._verdict(job.mutant, job.tests) if job.tests else Verdict(passed=True)
        return _result(job, verdict, time.monotonic() - start)

    def _verdict(self, mutant: Mutant, tests: list[str]) -> Verdict:
        """Return the verdict; tests that fail on the unchanged product too do not count."""
        with self._worker.apply_mutant(mutant.file, mutant.code):
            verdict = self._worker.run(tests)
        failures = tests if verdict.timed_out else tests[:1]
        if verdict.test:
            failures = [verdict.test]
        if verdict.passed or self._pass_unchanged(tuple(failures)):
            return verdict
        others = [test for test in tests if test not in failures]
        return self._verdict(mutant, others) if others else Verdict(passed=True)

    def _pass_unchanged(self, tests: Sequence[str]) -> bool:
        if tests not in self._passes_unchanged:
            self._passes_unchanged[tests] = self._worker.run(tests).passed
        return self._passes_unchanged[tests]


_tester: MutantTester


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
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / ".mutants",
        help="of record and results",
    )
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
        with fork.Pool(PROCESSES, _initialize, (folder,)) as pool:
            yield from pool.imap_unordered(_test, jobs)


def _initialize(folder: Path) -> None:
    global _tester  # noqa: PLW0603 - the state of a process of the pool
    own = folder / str(os.getpid())
    own.mkdir()
    _tester = MutantTester(own)


def _test(job: Job) -> Result:
    return _tester.test(job)


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
