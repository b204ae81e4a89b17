"""A pytest plugin that records which test runs which lines of the product, and for how long.

It writes into the folder that `MUTANTS_RECORD` names: `lines.*` for coverage.py, one context per
test, and `times.*`, JSON of the seconds of each test that passes. Each process has its own files.
"""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

from mutants.areas import AREAS, ROOT


class Recorder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._coverage = Coverage(
            data_file=str(folder / "lines"),
            data_suffix=str(os.getpid()),
            config_file=False,
            include=[str(ROOT / area / "*") for area in AREAS],
            concurrency=["thread", "greenlet"],  # SQLAlchemy's asyncio runs on greenlets
            messages=False,
        )

    def start(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Attribute the lines that the test and its fixtures run to the test."""
        self._coverage.switch_context(item.nodeid)
        start = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.monotonic() - start
            self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_unconfigure(self) -> None:
        self._coverage.stop()
        passed = {
            test: seconds for test, seconds in self._seconds.items() if test not in self._failed
        }
        if passed:
            self._coverage.save()
            Path(self._folder, f"times.{os.getpid()}").write_text(json.dumps(passed))


def pytest_configure(config: pytest.Config) -> None:
    recorder = Recorder(Path(os.environ["MUTANTS_RECORD"]))
    recorder.start()
    config.pluginmanager.register(recorder)
