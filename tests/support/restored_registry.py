"""A service over a real server, whose records and secret are backed up and restored."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from adapters.registry.stores import open_sqlite_stores
from adapters.system.leases import InProcessLeases
from adapters.system.randomness import SystemRandomness
from domain.passwords import PasswordDeriver
from entrypoints.config.data_folder import read_or_create_secret
from tests.support.memory_service import MemoryService
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.registries import registry_file

T = TypeVar("T")

NOW = timedelta()

SECRET = "secret"


@dataclass
class RestoredService:
    """A service with its records and its secret in the folder `data`, and a backup of both."""

    postgres: PostgresUnderTest
    folder: Path

    def __post_init__(self) -> None:
        self.data.mkdir()
        self.backup.mkdir()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    async def run(
        self, action: Callable[[MemoryService], Awaitable[T]], *, after: timedelta = NOW
    ) -> T:
        """Start the service that long after the first start, perform the action, and stop it."""
        async with self._running() as memory:
            memory.clock.moment += after
            return await action(memory)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[MemoryService]:
        async with open_sqlite_stores(registry_file(self.data), InProcessLeases()) as opened:
            memory = MemoryService(
                registry=opened.registry,
                randomness=cast("Any", SystemRandomness()),
                passwords=PasswordDeriver(read_or_create_secret(self.data)),
            )
            memory.provider = cast("Any", self.postgres.provider)
            yield memory

    def back_up(self) -> None:
        """Copy the secret, and the records as `sqlite3 .backup` does."""
        shutil.copy(self.data / SECRET, self.backup)
        with (
            closing(sqlite3.connect(registry_file(self.data))) as source,
            closing(sqlite3.connect(registry_file(self.backup))) as copy,
        ):
            source.backup(copy)

    def restore(self) -> None:
        """Lose records and secret, and restore the backup of both."""
        shutil.rmtree(self.data)
        shutil.copytree(self.backup, self.data)

    async def close(self) -> None:
        """Delete all databases of the records."""
        async with self._running() as memory:
            for record in await memory.records():
                await self.postgres.provider.delete(record.tenant)
