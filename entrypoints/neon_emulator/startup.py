"""Startup of the emulator with its first project."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from structlog.stdlib import BoundLogger

from adapters.system.clock import SystemClock
from domain.errors import StartupError
from entrypoints.neon_emulator.app import build_app
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.compute.servers import Servers
from entrypoints.neon_emulator.state.emulator import Emulator, Wanted
from ports.driven.clock import Clock

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def opened_emulator(
    behaviour: Behaviour | None = None,
    *,
    folder: Path,
    clock: Clock,
    log: BoundLogger,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> AsyncIterator[Emulator]:
    """Run the emulator until the context exits; its project `first` is ready.

    `folder` holds PostgreSQL's data; `settings` override PostgreSQL's defaults. Raises
    StartupError.
    """
    servers = Servers(folder, SystemClock(), log, settings)  # processes run in real time
    emulator = Emulator(behaviour or Behaviour(), servers, clock, log)
    emulator.app = build_app(emulator)
    try:
        await _make_first(emulator)
        yield emulator
    finally:
        await emulator.close()


async def _make_first(emulator: Emulator) -> None:
    emulator.first, operations = emulator.create_project(Wanted(role="neondb_owner"))
    await emulator.first.operations.idle()
    if any(operation.status != "finished" for operation in operations):
        raise StartupError("The emulator's PostgreSQL does not start; see its log above.")
