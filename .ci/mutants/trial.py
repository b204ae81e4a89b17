"""Tests on one mutant, in a copy of the tree, by a process that begins with its imports done.

A worker forks for each trial, so that pytest and the packages of others are imported once for all
of them. It ends what a trial leaves running.
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
"""Seconds of tests for a mutant, by the times on record."""
LIMIT = 120
"""Seconds for one test; what takes longer is a hang."""
PATIENCE = 600.0
"""Seconds for a trial: a busy machine may be far slower than when it was on record."""

CHUNKS = (10, 100)
"""Tests that are collected together, to begin with: most mutants die of the first ones."""

QUIET = ("-q", "--no-header", "-p", "no:cacheprovider")

WARM = (
    *("aiohttp.web", "aiohttp_cors", "aioresponses", "aiosqlite", "alembic.command", "asyncpg"),
    *("dependency_injector.containers", "hypothesis.strategies", "pydantic_settings"),
    *("sqlalchemy.ext.asyncio", "structlog", "typer"),
)

SUBREAPER, DEATH_SIGNAL = 36, 1
"""Of prctl: adopt the orphans among one's descendants; be signalled when the parent ends."""


@dataclass(frozen=True)
class Verdict:
    """`test` is the one that failed; empty where nothing could be collected, or nothing failed."""

    passed: bool
    test: str = ""
    timed_out: bool = False


class WarmUp:
    """A pytest plugin: assertions of plugins can be rewritten only within a session of pytest."""

    def pytest_sessionstart(self) -> None:
        for name in WARM:
            importlib.import_module(name)


class TestSelection:
    """A pytest plugin: run these tests alone, in this order, and note the first that fails."""

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
    """A copy of the tree, and trials in it, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tree = folder / "tree"
        self._stamp = time.time()
        for name in tracked_files():
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)
        _prctl(SUBREAPER, 1)

    @contextmanager
    def mutated(self, file: str, code: str) -> Iterator[None]:
        """Each content has a time of its own: by it, Python recognizes stale compiled code."""
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
            _try(self.tree, tests, scratch, verdict)
        in_time = _wait_for_end(process)
        shutil.rmtree(scratch, ignore_errors=True)
        if in_time and verdict.exists():
            return Verdict(**json.loads(verdict.read_text()))
        return Verdict(passed=False, timed_out=not in_time)


def warm(folder: Path) -> None:
    """Import pytest, its plugins and other packages in this process."""
    nothing = (f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={folder}", str(folder))
    pytest.main(["--collect-only", *QUIET, *nothing], plugins=[WarmUp()])


def _try(tree: Path, tests: Sequence[str], scratch: Path, verdict: Path) -> None:
    """Do the forked process's part, and end it."""
    try:
        _prctl(DEATH_SIGNAL, signal.SIGINT)
        _settle(tree, scratch)
        verdict.write_text(json.dumps(vars(_verdict(tests))))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _settle(tree: Path, scratch: Path) -> None:
    """Make the tree this process's place, and that of its child processes."""
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
        choosing = TestSelection(chunk)
        functions = dict.fromkeys(test.partition("[")[0] for test in chunk)
        status = pytest.main(["-x", f"--timeout={LIMIT}", *QUIET, *functions], plugins=[choosing])
        if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return choosing.verdict
    return Verdict(passed=True)


def _chunks(tests: Sequence[str]) -> Iterator[Sequence[str]]:
    for size in (*CHUNKS, len(tests)):
        if tests:
            yield tests[:size]
        tests = tests[size:]


def _wait_for_end(process: int) -> bool:
    """Wait for the process, end what is left of it, and return whether it ended in time."""
    end = os.pidfd_open(process)
    if not (in_time := bool(select.select([end], [], [], PATIENCE)[0])):
        os.kill(process, signal.SIGINT)  # pytest takes down what it set up
        select.select([end], [], [], LIMIT)
    os.close(end)
    while left := psutil.Process().children(recursive=True):
        for child in left:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(left, timeout=1)
    return in_time


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
