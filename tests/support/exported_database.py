"""A tenant's database with a table, for tests of exports."""

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.driver.connector import Login
from adapters.postgres.exports.access import ExportAccess, build_role_name
from adapters.postgres.exports.pg_dump import PgDump
from adapters.postgres.inspection import inspect_tenant
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.provisioning import ProvisionRequest, Tenant
from entrypoints.config.programs import find_newest_program
from tests.support.databases import provisioned_database
from tests.support.exports import FILE, create_exporter, hold_dump, while_held
from tests.support.obstacles import run
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import new_provision_request

FRUIT = "CREATE TABLE fruit AS SELECT 'apple' AS name"


@dataclass(frozen=True)
class ExportedDatabase:
    """The database, and the folder of its exports."""

    postgres: PostgresUnderTest
    request: ProvisionRequest
    connection: Connection
    folder: Path

    @property
    def provider(self) -> PostgresProvider:
        return self.postgres.provider

    @property
    def tenant(self) -> Tenant:
        return self.request.tenant

    @property
    def role(self) -> str:
        """The name of the temporary role."""
        return build_role_name(self.tenant.id)

    async def suspend(self, *statements: str) -> None:
        """Let the owner run the statements, and suspend the database."""
        if statements:
            await run(self.connection, *statements)
        await self.provider.suspend(self.tenant)

    async def export(self, pg_dump: PgDump | None = None) -> int:
        """Export the database, and return the size of the file."""
        return await create_exporter(self.provider, self.folder, pg_dump).export(self.tenant, FILE)

    async def while_exported(self, action: Callable[[Login], Awaitable[None]]) -> None:
        """Run the action with the login of an export, which is held meanwhile."""
        exporter = create_exporter(self.provider, self.folder, hold_dump())
        await while_held(exporter, lambda: exporter.export(self.tenant, FILE), action)

    async def interrupt_export(self) -> Login:
        """Leave what a process leaves that is killed during an export. Return the login."""
        async with self.provider.tenant_lock(self.tenant) as inside:
            state = await inspect_tenant(inside, self.tenant, self.provider.marks)
            access = ExportAccess(inside, self.tenant.id, state, self.provider.server)
            return await access.open()

    def read_dump(self) -> str:
        """Return the dump as SQL."""
        program = find_newest_program("pg_restore")
        assert program
        command = [str(program), "--file=-", str(self.folder / FILE)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    async def assert_closed(self) -> None:
        """Assert that nothing of an export is left on the server, and that the tenant is
        suspended."""
        roles, _ = await self.postgres.list_names()
        assert self.role not in roles
        open_databases = await self.postgres.sql(
            "SELECT datname FROM pg_database WHERE datallowconn"
        )
        assert self.tenant.names.database not in open_databases
        can_login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
        assert await self.postgres.sql(can_login, self.tenant.names.owner) == [False]


@asynccontextmanager
async def exported_database(
    postgres: PostgresUnderTest, folder: Path
) -> AsyncIterator[ExportedDatabase]:
    request = new_provision_request()
    async with provisioned_database(postgres.provider, request) as connection:
        await run(connection, FRUIT)
        yield ExportedDatabase(postgres, request, connection, folder)
