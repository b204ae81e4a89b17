"""What everybody on the machine can read of a process: its title, which is its command line."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

import psutil

PAUSE = 0.05


@asynccontextmanager
async def titles_of(pids: Iterable[int]) -> AsyncIterator[set[str]]:
    """All titles that these processes, and those that they start, are seen with meanwhile."""
    seen: set[str] = set()

    async def look() -> None:
        while True:
            seen.update(_titles(pids))
            await asyncio.sleep(PAUSE)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        seen.update(_titles(pids))
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def _titles(pids: Iterable[int]) -> Iterator[str]:
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):
                    yield " ".join(each.cmdline())
