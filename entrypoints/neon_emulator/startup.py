"""Startup of the emulator with its first project."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from structlog.stdlib import BoundLogger

from adapters.system.clock import SystemClock
from domain.errors import StartupError
from entrypoints.neon_emulator.app import create_app
from entrypoints.neon_emulator.behaviour import Behaviour
from entrypoints.neon_emulator.compute.servers import Servers
from entrypoints.neon_emulator.state.emulator import Emulator, ProjectSpec
from ports.driven.clock import Clock

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def open_emulator(
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
    emulator.app = create_app(emulator)
    try:
        await _create_first_project(emulator)
        yield emulator
    finally:
        await emulator.close()


async def _create_first_project(emulator: Emulator) -> None:
    emulator.first, operations = emulator.create_project(ProjectSpec(role="neondb_owner"))
    await emulator.first.operations.wait_until_idle()
    if any(operation.status != "finished" for operation in operations):
        raise StartupError("The emulator's PostgreSQL does not start; see its log above.")
