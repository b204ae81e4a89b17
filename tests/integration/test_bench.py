"""The benchmarks' services, empty and real."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import psutil
import pytest

from bench import empty_service
from bench.floor import open_journal
from bench.records import fill_registry
from bench.service import Unmeasurable, serve, start
from domain.lifecycle import State
from ports.driven.registry import position_of
from tests.support.polling import wait_until
from tests.support.servers import ram_folder
from tests.support.service import REPOSITORY

MEMORY = {"PGVEND_PROVIDER": "memory", "PGVEND_RECONCILE_INTERVAL": "0"}


async def test_a_service_creates_and_deletes_and_a_refused_request_ends_the_run(
    tmp_path: Path,
) -> None:
    async with serve(tmp_path / "service", **MEMORY) as service:
        undo = await service.create_with_undo()
        kept = await service.create("Kept")
        await undo()
        with pytest.raises(RuntimeError, match="POST /v1/databases: 4"):
            await service.create("!")
        page = await service.request("GET", "/v1/databases")
        await service.delete_all([kept["id"]])
        after = await service.request("GET", "/v1/databases")

    assert [each["nickname"] for each in page["databases"]] == ["Kept"]
    assert not after["databases"]


async def test_the_reason_why_a_service_does_not_start_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="PGVEND_PROVIDER"):
        async with serve(tmp_path / "service", PGVEND_PROVIDER="none"):
            pass


async def test_a_service_without_a_pool_is_not_measured(tmp_path: Path) -> None:
    async with start(tmp_path / "empty", program=(sys.executable, empty_service.__file__)) as empty:
        assert await empty.request("POST", "/", json={}) == {}
        with pytest.raises(Unmeasurable):
            await empty.list_spares()


async def test_the_floor_commits_as_durably_as_the_registry(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal") as journal:
        modes = [journal.execute(f"PRAGMA {name}").fetchone()[0] for name in MODES]
    assert modes == list(MODES.values())


MODES = {"journal_mode": "wal", "synchronous": 2}


async def test_records_are_in_the_registry_before_the_service_starts(tmp_path: Path) -> None:
    records = await fill_registry(tmp_path, 3, State.READY)
    with sqlite3.connect(tmp_path / "data" / "registry.sqlite3") as registry:
        ids = [row[0] for row in registry.execute("SELECT id FROM databases ORDER BY id")]
    assert ids == [record.id for record in sorted(records, key=position_of)]


async def test_a_benchmark_that_sigterm_ends_leaves_no_service_and_no_folder() -> None:
    with ram_folder() as folder:
        command = ("-m", "bench", "records", "--size", "quick", "--folder", str(folder))
        benchmark = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=REPOSITORY)
        process = psutil.Process(benchmark.pid)
        await wait_until(process.children)
        started = process.children(recursive=True)

        benchmark.terminate()
        await benchmark.wait()

        assert not [each for each in started if each.is_running()]
        assert not [*folder.iterdir()]
