"""Servers that tests share: one of each kind for each run, started on first use."""

import compileall
import gc
import signal
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from adapters.postgres.provider import PostgresProvider
from tests.support.neon.emulator import RunningEmulator, running_emulator
from tests.support.servers import OperatorsServer, bundled, operators_server

PACKAGES = ("domain", "ports", "adapters", "entrypoints")

SAMPLE = "--sample"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(SAMPLE, action="store_true", help="run only the cases of tests/sample.py")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect without looking for garbage among a million objects that stay until the run ends, and
    exempt them from later searches: each of them takes half a second in every test process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption(SAMPLE):
        return
    from tests.sample import in_sample  # noqa: PLC0415 - pytest imports test modules before

    sample = [item for item in items if in_sample(item)]
    config.hook.pytest_deselected(items=[*set(items).difference(sample)])
    items[:] = sample


def pytest_configure(config: pytest.Config) -> None:
    """Compile the product once, so that no test's service spends two seconds on it. Handle Ctrl-C:
    a shell's background job ignores it, and so would the programs that tests start. Let the sample
    have fewer examples of each property."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    examples = 25 if config.getoption(SAMPLE) else 100
    # without a deadline: a busy machine must not fail a test
    settings.register_profile("of these tests", deadline=None, max_examples=examples)
    settings.load_profile("of these tests")
    if not hasattr(config, "workerinput"):
        for package in PACKAGES:
            compileall.compile_dir(Path(__file__).parents[1] / package, quiet=2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.scheduling import Scheduling  # noqa: PLC0415 - runs without xdist need none

    return Scheduling(config, log)


@pytest.fixture(scope="session")
async def bundled_18() -> AsyncIterator[PostgresProvider]:
    async with bundled() as provider:
        yield provider


@pytest.fixture(scope="session")
async def bundled_16() -> AsyncIterator[PostgresProvider]:
    async with bundled(major=16) as provider:
        yield provider


@pytest.fixture(scope="session")
async def server_15() -> AsyncIterator[OperatorsServer]:
    """A server with prepared transactions, which operators can need and tenants can abuse."""
    async with operators_server(15, max_prepared_transactions="5") as server:
        yield server


@pytest.fixture(scope="session")
async def server_16() -> AsyncIterator[OperatorsServer]:
    async with operators_server(16) as server:
        yield server


@pytest.fixture(scope="session")
async def server_18() -> AsyncIterator[OperatorsServer]:
    async with operators_server(18) as server:
        yield server


@pytest.fixture(scope="session")
async def neon() -> AsyncIterator[RunningEmulator]:
    """An emulator with default behaviour; tests that change an option reset it."""
    async with running_emulator() as running:
        yield running
