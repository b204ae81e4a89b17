"""One or several processes of the service that can be killed and started again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.service import PATIENCE, RunningService, running_service, starting_service

BUSY: Mapping[str, Any] = {"PGVEND_LOG_LEVEL": "error", "PGVEND_RECONCILE_INTERVAL": "1"}

ERROR_MARKERS = ("crashed", "Traceback", "never retrieved", "Exception ignored")
"""Texts that a service never writes, killed or not."""


@dataclass
class Replicas:
    """`number` replicas with the same `settings`. Their output is kept to the end."""

    data_dir: Path
    settings: Mapping[str, Any]
    number: int = 1
    kills: int = 0
    _lifetime: AsyncExitStack = field(default_factory=AsyncExitStack)
    _all: list[RunningService] = field(default_factory=list)
    _serving: dict[int, RunningService] = field(default_factory=dict)
    _is_open: asyncio.Event = field(default_factory=asyncio.Event)
    _start_seconds: float = 0.0

    async def start(self, *which: int) -> None:
        """Start these replicas, or all, and return when they serve."""
        start_time = asyncio.get_running_loop().time()
        await asyncio.gather(*map(self._start, which or range(self.number)))
        self._start_seconds = asyncio.get_running_loop().time() - start_time

    async def kill(self, *which: int) -> None:
        """Kill these replicas with SIGKILL at the same moment."""
        await asyncio.gather(*map(self._kill, which))

    async def start_and_kill(self, progress: float) -> None:
        """Start a replica, and kill it after the share `progress` of the time of the last start."""
        service = await self._enter(starting_service(self.data_dir, **BUSY, **self.settings))
        await service.exits(within=self._start_seconds * progress)
        await service.kill()
        self.kills += 1

    async def address(self, rng: Random) -> str:
        """Return the URL of any replica that serves, as soon as one does."""
        async with asyncio.timeout(PATIENCE):
            await self._is_open.wait()
        return rng.choice(list(self._serving.values())).url

    def find_error_lines(self) -> list[str]:
        lines = [line for service in self._all for line in service.output().splitlines()]
        return [line for line in lines if any(marker in line for marker in ERROR_MARKERS)]

    def read_log_tails(self) -> str:
        return "\n".join(service.output()[-4000:] for service in self._all[-3:])

    async def _start(self, which: int) -> None:
        starting = running_service(self.data_dir, **BUSY, **self.settings)
        self._serving[which] = await self._enter(starting)
        self._is_open.set()

    async def _enter(self, starting: AbstractAsyncContextManager[RunningService]) -> RunningService:
        service = await self._lifetime.enter_async_context(starting)
        self._all.append(service)
        return service

    async def _kill(self, which: int) -> None:
        service = self._serving.pop(which)
        if not self._serving:
            self._is_open.clear()
        await service.kill()
        self.kills += 1


@asynccontextmanager
async def replicas(
    data_dir: Path, settings: Mapping[str, str], number: int = 1
) -> AsyncIterator[Replicas]:
    """Yield replicas that are not started yet, and end them when the context exits."""
    group = Replicas(data_dir, settings, number)
    async with group._lifetime:
        yield group
