"""The server's log: a pipe that drops output that is not read in time, and two files of limited
size."""

import asyncio
import os
import re
from contextlib import suppress
from threading import Lock

from adapters.embedded.cluster import Cluster
from ports.driven.cancellation import run_in_thread

CHUNK = 65_536
"""Bytes to read at once: the capacity of a pipe on Linux."""

PAUSE = 0.02
"""Seconds between chunks: a tenant that floods the log fills the pipe and takes no CPU time from
pgvend."""

MAX_LINE_BYTES = 20_000
"""Bytes to keep of a line, so that a long one does not displace all others."""

_CUT = b" ... (cut)"
_LONG = re.compile(rb"([^\n]{%d})[^\n]+" % MAX_LINE_BYTES)


class ServerLog:
    """A copier of the server's output from `sink` to the cluster's log, at most LOG_LIMIT bytes in
    each of two files.

    A tenant can make the server write any amount (`RAISE LOG`), so the server must never wait for
    pgvend: the pipe does not block, and PostgreSQL drops output that it cannot write. The same
    holds while pgvend is stopped, and after its end, when PostgreSQL ignores the broken pipe.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._source, self.sink = os.pipe()
        for end in (self._source, self.sink):
            os.set_blocking(end, False)
        self._line = 0
        self._lock = Lock()

    async def copy_forever(self) -> None:
        """Copy the output, and never return. This uses real time, not the injected clock: a real
        server writes the output."""
        while True:
            await self._wait_for_data()
            await run_in_thread(self.copy_chunk)
            await asyncio.sleep(PAUSE)

    def copy_chunk(self) -> bool:
        """Move one chunk from the pipe to the file, and return whether there was one. Drop the
        chunk if the file cannot be written. Blocks."""
        with self._lock:
            try:
                chunk = os.read(self._source, CHUNK)
            except BlockingIOError:
                return False
            with suppress(OSError):  # a full disk, perhaps
                self._cluster.append_log(self._shorten(chunk))
            return True

    def read_tail(self) -> str:
        """Return the last lines, for a message about a server that does not start."""
        self.copy_chunk()
        return self._cluster.read_log_tail()

    def close(self) -> None:
        """Copy the rest, and close the pipe."""
        self.copy_chunk()
        os.close(self._source)
        os.close(self.sink)

    async def _wait_for_data(self) -> None:
        loop = asyncio.get_running_loop()
        has_data = asyncio.Event()
        loop.add_reader(self._source, has_data.set)
        try:
            await has_data.wait()
        finally:
            loop.remove_reader(self._source)

    def _shorten(self, chunk: bytes) -> bytes:
        """Cut the long lines of a chunk. Its first line may have begun in an earlier chunk."""
        line, end, rest = chunk.partition(b"\n")
        kept = self._cut(line + end)
        if rest:
            self._line = len(rest) - (rest.rfind(b"\n") + 1)
        return kept + _LONG.sub(rb"\1" + _CUT, rest)

    def _cut(self, part: bytes) -> bytes:
        """Return what to keep of the next part of a line, which ends the line or the chunk."""
        start = self._line
        ends = part.endswith(b"\n")
        self._line = 0 if ends else start + len(part)
        if start + len(part) <= MAX_LINE_BYTES:
            return part
        kept = part[: max(0, MAX_LINE_BYTES - start)]
        return kept + (_CUT if start <= MAX_LINE_BYTES else b"") + (b"\n" if ends else b"")
