"""Leases among the tasks of one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ports.driven.leases import Leases


class InProcessLeases(Leases):
    """For a service of one process. All leases end with the process."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[bool]:
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)
