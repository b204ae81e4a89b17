"""The service as a process, or as several, killed and started again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.service import RunningService, running_service, starting_service

PATIENCE = 120.0
"""Seconds until somebody serves; no test is about this time."""

BUSY: Mapping[str, Any] = {"PGVEND_LOG_LEVEL": "error", "PGVEND_SWEEP_INTERVAL": "1"}

SLIPS = ("crashed", "Traceback", "never retrieved", "Exception ignored")
"""What a service does not say, killed or not."""


@dataclass
class House:
    """`replicas` with the same `settings`. What was killed is kept to the end, for what it said."""

    data_dir: Path
    settings: Mapping[str, Any]
    replicas: int = 1
    kills: int = 0
    _lifetime: AsyncExitStack = field(default_factory=AsyncExitStack)
    _all: list[RunningService] = field(default_factory=list)
    _serving: dict[int, RunningService] = field(default_factory=dict)
    _is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, *numbers: int) -> None:
        """Return when these replicas serve, or all."""
        await asyncio.gather(*map(self._start, numbers or range(self.replicas)))

    async def kill(self, *numbers: int) -> None:
        """These replicas, with SIGKILL, at the same moment."""
        await asyncio.gather(*map(self._kill, numbers))

    async def stumble(self, seconds: float) -> None:
        """Start one, and kill it that much later, whether it serves by then or not."""
        starting = starting_service(self.data_dir, **BUSY, **self.settings)
        service = await self._lifetime.enter_async_context(starting)
        self._all.append(service)
        await service.ended(within=seconds)
        await service.kill()
        self.kills += 1

    async def address(self, chance: Random) -> str:
        """Of any that serves, when there is one."""
        async with asyncio.timeout(PATIENCE):
            await self._is_open.wait()
        return chance.choice(list(self._serving.values())).url

    def slips(self) -> list[str]:
        lines = [line for service in self._all for line in service.output().splitlines()]
        return [line for line in lines if any(slip in line for slip in SLIPS)]

    def tail(self) -> str:
        return "\n".join(service.output()[-4000:] for service in self._all[-3:])

    async def _start(self, number: int) -> None:
        starting = running_service(self.data_dir, **BUSY, **self.settings)
        service = await self._lifetime.enter_async_context(starting)
        self._all.append(service)
        self._serving[number] = service
        self._is_open.set()

    async def _kill(self, number: int) -> None:
        service = self._serving.pop(number)
        if not self._serving:
            self._is_open.clear()
        await service.kill()
        self.kills += 1


@asynccontextmanager
async def house(
    data_dir: Path, settings: Mapping[str, str], replicas: int = 1
) -> AsyncIterator[House]:
    """With nothing in it yet, and nothing of it left."""
    empty = House(data_dir, settings, replicas)
    async with empty._lifetime:
        yield empty
