"""The server's log: a pipe that drops what nobody takes in time, and two files of bounded size."""

import asyncio
import os
import re
from contextlib import suppress
from threading import Lock

from adapters.embedded.cluster import Cluster
from adapters.embedded.threads import in_thread

CHUNK = 65_536
"""Bytes that are taken at once: what Linux keeps in a pipe."""

PAUSE = 0.02
"""Seconds from one chunk to the next: a tenant that floods the log fills the pipe, not our time."""

LONGEST_LINE = 20_000
"""Bytes of a line that are kept, so that a long one does not push out all others."""

_CUT = b" ... (cut)"
_LONG = re.compile(rb"([^\n]{%d})[^\n]+" % LONGEST_LINE)


class ServerLog:
    """What the server writes to `sink` is kept in the cluster's log, at most LOG_LIMIT twice.

    A tenant has the server write as much as it likes (`RAISE LOG`), so nothing waits for us: the
    pipe does not block, and PostgreSQL passes over what it could not write. That is so too while
    we are stopped, and once we are gone, when PostgreSQL ignores the broken pipe.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._source, self.sink = os.pipe()
        for end in (self._source, self.sink):
            os.set_blocking(end, False)
        self._line = 0
        self._taking = Lock()

    async def keep(self) -> None:
        """Keep what arrives, for ever. In real time, whatever the clock says: a real server writes
        there."""
        while True:
            await self._arrival()
            await in_thread(self.take)
            await asyncio.sleep(PAUSE)

    def take(self) -> bool:
        """Move one chunk from the pipe to the file; whether there was one. Blocks for the disk,
        and drops the chunk where that fails."""
        with self._taking:
            try:
                chunk = os.read(self._source, CHUNK)
            except BlockingIOError:
                return False
            with suppress(OSError):  # a full disk, perhaps
                self._cluster.append_log(self._shortened(chunk))
            return True

    def tail(self) -> str:
        """Return the last lines, for a message about a server that does not start."""
        self.take()
        return self._cluster.log_tail()

    def close(self) -> None:
        """Keep what is left, and close the pipe."""
        self.take()
        os.close(self._source)
        os.close(self.sink)

    async def _arrival(self) -> None:
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        loop.add_reader(self._source, arrived.set)
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(self._source)

    def _shortened(self, chunk: bytes) -> bytes:
        """Return the part of a chunk that is kept. Its first line may have begun in an earlier
        chunk."""
        line, end, rest = chunk.partition(b"\n")
        kept = self._cut(line + end)
        if rest:
            self._line = len(rest) - (rest.rfind(b"\n") + 1)
        return kept + _LONG.sub(rb"\1" + _CUT, rest)

    def _cut(self, part: bytes) -> bytes:
        """Return the part that is kept of a line's next part, which ends the line or the chunk."""
        begin = self._line
        ends = part.endswith(b"\n")
        self._line = 0 if ends else begin + len(part)
        if begin + len(part) <= LONGEST_LINE:
            return part
        kept = part[: max(0, LONGEST_LINE - begin)]
        return kept + (_CUT if begin <= LONGEST_LINE else b"") + (b"\n" if ends else b"")
