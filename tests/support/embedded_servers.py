"""The bundled server in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import structlog
from structlog.stdlib import BoundLogger
from structlog.testing import LogCapture

from adapters.driver.connector import connect
from adapters.embedded.server import EmbeddedOptions, open_embedded_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import login_from_connection
from adapters.system.clock import SystemClock
from domain.connection import Connection
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import programs_for_version

NO_FSYNC = {"fsync": "off"}
"""Faster. Killing a process, unlike a loss of power, loses no data without fsync."""


class Events:
    """A log that keeps its events."""

    def __init__(self) -> None:
        self._capture = LogCapture()
        self.log: BoundLogger = structlog.wrap_logger(None, processors=[self._capture])

    @property
    def names(self) -> list[str]:
        return [str(entry["event"]) for entry in self._capture.entries]

    def fields(self, name: str) -> list[dict[str, object]]:
        return [dict(entry) for entry in self._capture.entries if entry["event"] == name]


@asynccontextmanager
async def open_server(
    data_dir: Path,
    *,
    port: int | None = None,
    major: int | None = None,
    programs: Path | None = None,
    events: Events | None = None,
    **settings: str,
) -> AsyncIterator[PostgresProvider]:
    """Open the bundled server in the folder where a service with this data folder has it, with
    other `programs` or those of a `major` version if given."""
    if major:
        programs = (await programs_for_version(major)).folder
    options = EmbeddedOptions(
        folder=data_dir / "embedded",
        port=port,
        programs=programs,
        settings=NO_FSYNC | settings,
    )
    async with open_server_with(options, events) as provider:
        yield provider


@asynccontextmanager
async def open_server_with(
    options: EmbeddedOptions, events: Events | None = None
) -> AsyncIterator[PostgresProvider]:
    log = (events or Events()).log
    async with open_embedded_provider(options, INSTALLATION, SystemClock(), log) as provider:
        yield provider


def data_folder_in(data_dir: Path) -> Path:
    return data_dir / "embedded" / "data"


@asynccontextmanager
async def login_session(connection: Connection, **other: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a tenant's session. `other` overrides arguments of the login."""
    session = await connect(**{**login_from_connection(connection), **other})
    try:
        yield session
    finally:
        session.terminate()


async def write_note(connection: Connection, note: str) -> None:
    """Write a row that a later read has to find."""
    async with login_session(connection) as session:
        await session.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
        await session.execute("INSERT INTO notes VALUES ($1)", note)


async def read_notes(connection: Connection) -> list[str]:
    async with login_session(connection) as session:
        return [row["note"] for row in await session.fetch("SELECT note FROM notes")]
