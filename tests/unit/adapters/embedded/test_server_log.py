"""The pipe between a server and its log."""

import asyncio
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.embedded.cluster import LOG_LIMIT, Cluster
from adapters.embedded.server_log import CHUNK, MAX_LINE_BYTES, ServerLog
from tests.support.polling import wait_until


@pytest.fixture
def server_log(tmp_path: Path) -> Iterator[ServerLog]:
    server_log = ServerLog(Cluster(tmp_path))
    yield server_log
    server_log.close()


def read_log(tmp_path: Path) -> bytes:
    log = tmp_path / "postgres.log"
    return log.read_bytes() if log.exists() else b""


def _ends_with(tmp_path: Path, line: bytes) -> bool:
    return read_log(tmp_path).endswith(line)


def write(server_log: ServerLog, text: bytes) -> int:
    """Write like PostgreSQL: once, dropping the rest. Return how many bytes were written."""
    try:
        return os.write(server_log.sink, text)
    except BlockingIOError:
        return 0


async def test_lines_are_copied_as_they_arrive(server_log: ServerLog, tmp_path: Path) -> None:
    copying = asyncio.create_task(server_log.copy_forever())
    for line in (b"one\n", b"two\n"):
        write(server_log, line)
        await wait_until(partial(_ends_with, tmp_path, line))
    copying.cancel()
    assert read_log(tmp_path) == b"one\ntwo\n"


def test_output_that_is_not_read_is_dropped_and_blocks_no_writer(server_log: ServerLog) -> None:
    written = sum(write(server_log, b"x" * 8_000_000) for _ in range(10))
    assert 0 < written <= 16 * CHUNK


def test_a_flood_never_outgrows_both_files(server_log: ServerLog, tmp_path: Path) -> None:
    longest = 0
    for _ in range(4 * LOG_LIMIT // CHUNK):
        write(server_log, b"1 \xff\n" * CHUNK)
        assert server_log.copy_chunk()
        sizes = [file.stat().st_size for file in tmp_path.iterdir()]
        assert max(sizes) <= LOG_LIMIT
        longest = max(longest, sum(sizes))
    assert LOG_LIMIT < longest <= 2 * LOG_LIMIT
    assert len(sizes) == 2


def test_a_long_line_is_cut_and_the_next_is_whole(server_log: ServerLog, tmp_path: Path) -> None:
    line = b"x" * MAX_LINE_BYTES
    for part in (b"short\n", line, b"y" * CHUNK, b"z\nnext\n", b"1\n" + line + b"y\n2\n" + line):
        write(server_log, part)
        while server_log.copy_chunk():
            pass

    cut = line + b" ... (cut)\n"
    assert read_log(tmp_path) == b"short\n" + cut + b"next\n1\n" + cut + b"2\n" + line


def test_a_log_that_cannot_be_written_blocks_no_writer(
    server_log: ServerLog, tmp_path: Path
) -> None:
    (tmp_path / "postgres.log").mkdir()
    write(server_log, b"lost\n")
    assert server_log.copy_chunk()
    assert not server_log.copy_chunk()
    (tmp_path / "postgres.log").rmdir()


def test_the_tail_has_the_latest_output(server_log: ServerLog) -> None:
    write(server_log, b"FATAL: no\n")
    assert server_log.read_tail() == "FATAL: no"
