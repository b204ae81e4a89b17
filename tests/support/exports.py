"""Exporters of databases under test."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from adapters.driver.connector import Login
from adapters.postgres.exports.exporter import PostgresExporter
from adapters.postgres.exports.folder import ExportFolder, Part, open_folder
from adapters.postgres.exports.pg_dump import PgDump
from adapters.postgres.provider import PostgresProvider
from entrypoints.config.programs import find_newest_program
from tests.support.doubles import PATIENCE
from tests.support.embedded_servers import Events
from tests.support.requirements import skip_without

MAX_AGE = 3600.0
FILE = "shop-db_1.dump"


def find_pg_dump() -> Path:
    program = find_newest_program("pg_dump")
    return program or skip_without("pg_dump")


def create_pg_dump(
    *,
    program: Path | None = None,
    time_limit: float = PATIENCE,
    size_limit: int = 1 << 30,
    events: Events | None = None,
) -> PgDump:
    log = (events or Events()).log
    return PgDump(program or find_pg_dump(), time_limit, size_limit, log)


def create_exporter(
    provider: PostgresProvider, folder: Path, pg_dump: PgDump | None = None
) -> PostgresExporter:
    return PostgresExporter(provider, open_folder(folder, MAX_AGE), pg_dump or create_pg_dump())


def create_folder(path: Path) -> ExportFolder:
    return open_folder(path, MAX_AGE)


def list_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@dataclass(frozen=True)
class HeldDump(PgDump):
    """Runs no program: waits with the login that it got until it is released or cancelled."""

    logins: list[Login] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, login: Login, owner: str, part: Part) -> None:
        self.logins.append(login)
        self.owners.append(owner)
        self.reached.set()
        await self.let_go.wait()


def hold_dump() -> HeldDump:
    return HeldDump(Path("/nowhere"), PATIENCE, 1 << 30, Events().log)


async def while_held(
    exporter: PostgresExporter,
    export: Callable[[], Awaitable[object]],
    action: Callable[[Login], Awaitable[None]],
) -> None:
    """Run the action with the login of the export, which is held meanwhile."""
    held = exporter.pg_dump
    assert isinstance(held, HeldDump)
    exporting = asyncio.ensure_future(export())
    try:
        await asyncio.wait_for(held.reached.wait(), PATIENCE)
        await action(held.logins[-1])
    finally:
        held.let_go.set()
        await exporting
