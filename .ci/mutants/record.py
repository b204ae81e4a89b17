"""The output of the recorder: the tests that run a line, quickest first."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from coverage import CoverageData

from mutants.areas import CHILD_PROCESSES, OTHER_VERSIONS, PACKAGES, ROOT, TESTS
from mutants.mutations import Place

QUICK = "tests/unit/"
START = 2.0
"""Seconds that other tests can wait for a server; in the record, only the first one waited."""


class Record:
    """The tests and lines of this tree, recorded once and kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def complete(self) -> None:
        """Run all tests with the recorder, unless this tree is recorded already."""
        mark = self._folder / "tree"
        if mark.exists() and mark.read_text() == self.tree:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        _record(self._folder)
        mark.write_text(self.tree)

    @cached_property
    def tree(self) -> str:
        """A fingerprint of this state of the product and its tests."""
        return _fingerprint()

    @cached_property
    def seconds(self) -> dict[str, float]:
        """The duration of each test that passed."""
        return {
            test: seconds
            for file in sorted(self._folder.glob("times.*"))
            for test, seconds in json.loads(file.read_text()).items()
        }

    @cached_property
    def lines(self) -> dict[str, dict[int, set[str]]]:
        """The tests that run each line, by file and line."""
        found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for file in sorted(self._folder.glob("lines.*")):
            data = CoverageData(str(file))
            data.read()
            for source in data.measured_files():
                name = str(Path(source).relative_to(ROOT))
                for line, tests in data.contexts_by_lineno(source).items():
                    found[name][line].update(self.seconds.keys() & set(tests))
        return found

    def tests(self, file: str, place: Place, budget: float) -> list[str]:
        """Return the tests that run a place, quickest first, as many as the budget allows."""
        chosen: list[str] = []
        for test in sorted(self._covering(file, place), key=self._cost):
            budget -= self.seconds[test]
            if budget < 0 and chosen:
                break
            chosen.append(test)
        return chosen

    def _cost(self, test: str) -> tuple[float, str]:
        return self.seconds[test] + START * (not test.startswith(QUICK)), test

    def _covering(self, file: str, place: Place) -> set[str]:
        """Return the tests that run a place. For code that runs at import, these are the tests that
        run any line of the file or of its importers."""
        if not place.at_import:
            begin, end = place.lines
            lines = self.lines[file]
            return set().union(*(lines[line] for line in range(begin, end + 1) if line in lines))
        return self._running([file]) or self._running(self._importers.get(_module(file), ()))

    def _running(self, files: Iterable[str]) -> set[str]:
        return set().union(*(tests for file in files for tests in self.lines[file].values()))

    @cached_property
    def _importers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for package in PACKAGES:
            for file in (ROOT / package).rglob("*.py"):
                for module in _imports(ast.parse(file.read_text())):
                    found[module].add(str(file.relative_to(ROOT)))
        return found


def tracked_files() -> list[str]:
    """Return all files of the repository except those that git ignores."""
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(name for name in listed.stdout.split("\0") if (ROOT / name).is_file())


def _fingerprint() -> str:
    prefixes = (*PACKAGES, "tests", "pyproject.toml")
    digest = hashlib.sha256()
    for name in tracked_files():
        if name.startswith(prefixes):
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def _record(folder: Path) -> None:
    """Record all tests that pass."""
    options = ("-q", "-p", "mutants.recorder", "-p", "no:cacheprovider", "-n", "2")
    order = ("--dist", "loadfile", "--no-loadscope-reorder")
    tests = [test for test in TESTS if (ROOT / test).exists()]
    chosen = ("-k", " and ".join(f"not {part}" for part in OTHER_VERSIONS), *_ignored_files())
    subprocess.run(
        (sys.executable, "-m", "pytest", *options, *order, *chosen, *tests),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ".ci", "MUTANTS_RECORD": str(folder.resolve())},
        check=False,
    )


def _ignored_files() -> list[str]:
    if stale := [pattern for pattern in CHILD_PROCESSES if not any(ROOT.glob(pattern))]:
        raise SystemExit(f"No file matches {', '.join(stale)}: correct CHILD_PROCESSES.")
    return [f"--ignore-glob={pattern}" for pattern in CHILD_PROCESSES]


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
