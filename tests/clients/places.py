"""Services over each kind of server, and a database as its user gets it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.tools import run, succeed
from tests.support.certificates import NAMES
from tests.support.command_line import run_command
from tests.support.postgres_under_test import session
from tests.support.private_ca import running_private_ca_server
from tests.support.provision_requests import unique_name
from tests.support.servers import BUNDLED_MAJOR, operators_server, programs_for_version, ram_folder
from tests.support.service import RunningService, running_service
from tests.support.service_client import running_service_over


@dataclass(frozen=True)
class Place:
    """A running service over a server, and the folder of that server's programs."""

    service: RunningService
    major: int
    programs: Path

    async def create(self, ca_file: Path, *options: str) -> "Database":
        """Create a database; `options` are for `pgvend create`."""
        printed = await self.run_pgvend("create", unique_name(), "--json", *options)
        return Database(self, json.loads(printed)["id"], ca_file)

    async def run_pgvend(self, *arguments: str) -> str:
        """Return what a command of `pgvend` prints."""
        result = await run_command(*arguments, PGVEND_URL=self.service.url)
        assert result.status == 0, result.stderr
        return result.stdout.removesuffix("\n")


@dataclass(frozen=True)
class Database:
    """A database of pgvend, and the file with the server's certificate authority."""

    place: Place
    id: str
    ca_file: Path

    async def format_connection(self, form: str) -> str:
        """Return the connection in that format."""
        options = ("--format", form, "--ca-file", str(self.ca_file))
        return await self.place.run_pgvend("connection", self.id, *options)

    async def format_without_authority(self, form: str) -> str:
        """Return the connection in that format, without the certificate authority."""
        return await self.place.run_pgvend("connection", self.id, "--format", form)

    async def connection(self) -> Mapping[str, Any]:
        """Return the parts of the connection."""
        parts: Mapping[str, Any] = json.loads(await self.format_connection("json"))
        return parts

    async def name_authority(self, variable: str) -> dict[str, str]:
        """Return an environment whose `variable` names the authority's file, if there is one."""
        await self.format_connection("uri")  # which writes the file
        return {variable: str(self.ca_file)} if self.ca_file.exists() else {}

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows that the tenant reads, by a driver that is not under test."""
        async with session({"dsn": await self.format_connection("uri")}) as tenant:
            return [tuple(row) for row in await tenant.fetch(query)]

    async def tables(self) -> set[str]:
        """Return the tables of the schema `public`."""
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return {name for (name,) in await self.rows(query)}


async def run_successfully(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run the program to its end and return what it printed; fail unless it succeeds."""
    return await asyncio.to_thread(succeed, *command, cwd=cwd, **environment)


async def run_failing(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run the program to its end and return what it printed; fail if it succeeds."""
    status, printed = await asyncio.to_thread(run, *command, cwd=cwd, **environment)
    assert status, printed
    return printed


@asynccontextmanager
async def bundled() -> AsyncIterator[Place]:
    """Run a service over the bundled server."""
    programs = await programs_for_version(BUNDLED_MAJOR)
    with ram_folder() as folder:
        async with running_service(folder / "data") as service:
            yield Place(service, BUNDLED_MAJOR, programs.folder)


@asynccontextmanager
async def without_tls() -> AsyncIterator[Place]:
    """Run a service over Debian's PostgreSQL 15."""
    programs = await programs_for_version(15)
    with ram_folder() as folder:
        async with operators_server(15) as server, running_service_over(server, folder) as service:
            yield Place(service, server.major, programs.folder)


@asynccontextmanager
async def with_tls() -> AsyncIterator[Place]:
    """Run a service over a server whose certificate a private authority signed.

    Connections name it by `localhost`: postgres.js compares certificates with names, not addresses.
    """
    programs = await programs_for_version(15)
    with ram_folder() as folder:
        async with running_private_ca_server(NAMES) as private:
            dsn = private.dsn("sslmode=verify-full&sslrootcert={ca}", host="localhost")
            settings = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
            async with running_service(folder, **settings) as service:
                yield Place(service, private.server.major, programs.folder)


PRIVATE = "debian-15-private-ca"

PLACES = {"bundled": bundled, "debian-15": without_tls, PRIVATE: with_tls}
