"""Trials of mutants in a copy of the tree: a worker forks a process for each trial.

So pytest and other packages are imported once for all trials. The worker kills processes that a
trial leaves running.
"""

import ctypes
import importlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from mutants.areas import ROOT
from mutants.record import tracked_files

BUDGET = 60.0
"""Seconds of tests for a mutant, by the recorded times."""
LIMIT = 120
"""Seconds for one test; a longer one hangs."""
TRIAL_TIMEOUT = 600.0
"""Seconds for a trial: a busy machine can be far slower than during the recording."""

CHUNKS = (10, 100)
"""Numbers of tests that are collected together at first: the first tests kill most mutants."""

QUIET = ("-q", "--no-header", "-p", "no:cacheprovider")

WARM = (
    *("aiohttp.web", "aiohttp_cors", "aioresponses", "aiosqlite", "alembic.command", "asyncpg"),
    *("dependency_injector.containers", "hypothesis.strategies", "pydantic_settings"),
    *("sqlalchemy.ext.asyncio", "structlog", "typer"),
)

SUBREAPER, DEATH_SIGNAL = 36, 1
"""Options of prctl: adopt orphaned descendants; receive a signal when the parent ends."""


@dataclass(frozen=True)
class Verdict:
    """`test` is the one that failed; empty if none failed or none could be collected."""

    passed: bool
    test: str = ""
    timed_out: bool = False


class WarmUp:
    """A pytest plugin: assertions of plugins can be rewritten only within a session of pytest."""

    def pytest_sessionstart(self) -> None:
        for name in WARM:
            importlib.import_module(name)


class TestSelection:
    """A pytest plugin: run only these tests, in this order, and record the first that fails."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._rank = {test: rank for rank, test in enumerate(tests)}
        self.verdict = Verdict(passed=False)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._rank]
        items[:] = sorted(chosen, key=lambda item: self._rank[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.verdict.test:
            hung = "from pytest-timeout" in report.longreprtext
            self.verdict = Verdict(passed=False, test=report.nodeid, timed_out=hung)


class Worker:
    """Runs trials in a copy of the tree, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tree = folder / "tree"
        self._stamp = time.time()
        for name in tracked_files():
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)
        _prctl(SUBREAPER, 1)

    @contextmanager
    def apply_mutant(self, file: str, code: str) -> Iterator[None]:
        """Write the code to the file until the context exits. Each change has a new time, by which
        Python recognizes stale compiled code."""
        original = (self.tree / file).read_text()
        self._write(file, code)
        try:
            yield
        finally:
            self._write(file, original)

    def _write(self, file: str, code: str) -> None:
        self._stamp += 2
        (self.tree / file).write_text(code)
        os.utime(self.tree / file, (self._stamp, self._stamp))

    def run(self, tests: Sequence[str]) -> Verdict:
        """Run these tests on the current tree."""
        verdict = self._folder / "verdict"
        verdict.unlink(missing_ok=True)
        scratch = self._folder / "tmp"
        scratch.mkdir()
        scratch.chmod(0o1777)
        if not (process := os.fork()):
            _run_and_exit(self.tree, tests, scratch, verdict)
        in_time = _wait_for_end(process)
        shutil.rmtree(scratch, ignore_errors=True)
        if in_time and verdict.exists():
            return Verdict(**json.loads(verdict.read_text()))
        return Verdict(passed=False, timed_out=not in_time)


def warm(folder: Path) -> None:
    """Import pytest, its plugins and other packages in this process."""
    nothing = (f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={folder}", str(folder))
    pytest.main(["--collect-only", *QUIET, *nothing], plugins=[WarmUp()])


def _run_and_exit(tree: Path, tests: Sequence[str], scratch: Path, verdict: Path) -> None:
    """Run the tests in the forked process, write the verdict, and exit."""
    try:
        _prctl(DEATH_SIGNAL, signal.SIGINT)
        _enter_tree(tree, scratch)
        verdict.write_text(json.dumps(vars(_verdict(tests))))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _enter_tree(tree: Path, scratch: Path) -> None:
    """Make this process and its child processes use the tree."""
    output = os.open(scratch.parent / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    os.environ.update(TMPDIR=str(scratch), PYTHONPATH=str(tree))
    tempfile.tempdir = None
    sys.dont_write_bytecode = False
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".") != ROOT)]


def _verdict(tests: Sequence[str]) -> Verdict:
    for chunk in _chunks(tests):
        selection = TestSelection(chunk)
        functions = dict.fromkeys(test.partition("[")[0] for test in chunk)
        status = pytest.main(["-x", f"--timeout={LIMIT}", *QUIET, *functions], plugins=[selection])
        if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return selection.verdict
    return Verdict(passed=True)


def _chunks(tests: Sequence[str]) -> Iterator[Sequence[str]]:
    for size in (*CHUNKS, len(tests)):
        if tests:
            yield tests[:size]
        tests = tests[size:]


def _wait_for_end(process: int) -> bool:
    """Wait for the process, kill what it leaves running, and return whether it ended in time."""
    end = os.pidfd_open(process)
    if not (in_time := bool(select.select([end], [], [], TRIAL_TIMEOUT)[0])):
        os.kill(process, signal.SIGINT)  # pytest tears down its fixtures
        select.select([end], [], [], LIMIT)
    os.close(end)
    while children := psutil.Process().children(recursive=True):
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=1)
    return in_time


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
