"""The exporter of databases on a PostgreSQL server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.driver.connector import Login
from adapters.postgres.exports.access import ExportAccess, remove_export_role
from adapters.postgres.exports.folder import ExportFolder, Part
from adapters.postgres.exports.pg_dump import PgDump
from adapters.postgres.inspection import TenantState, inspect_tenant
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.sessions import Session, hold_place
from domain.errors import DatabaseNotFound
from domain.provisioning import Tenant
from ports.driven.cancellation import run_in_thread, run_to_completion
from ports.driven.exporter import Exporter


@dataclass(frozen=True)
class PostgresExporter(Exporter):
    """Exports databases of the provider by pg_dump. No session of the pool is in use meanwhile."""

    provider: PostgresProvider
    folder: ExportFolder
    pg_dump: PgDump

    async def export(self, tenant: Tenant, file: str) -> int:
        async with self._open_part(file) as part:
            async with self._opened(tenant) as (login, owner):
                await self.pg_dump.run(login, owner, part)
            return await run_in_thread(self.folder.publish, part, file)

    async def remove(self, file: str) -> None:
        await run_in_thread(self.folder.remove, file)

    @asynccontextmanager
    async def _open_part(self, file: str) -> AsyncIterator[Part]:
        parts: list[Part] = []  # a cancelled call creates a part too
        try:
            await run_in_thread(lambda: parts.append(self.folder.open_part(file)))
            yield parts[0]
        finally:
            for part in parts:
                await run_in_thread(self.folder.close_part, part)

    @asynccontextmanager
    async def _opened(self, tenant: Tenant) -> AsyncIterator[tuple[Login, str]]:
        """Open the tenant's database for its dump until the context exits. Yield a login, and the
        name of the owner. Raises DatabaseNotFound."""
        try:
            async with self._closed(tenant) as (session, state):
                access = ExportAccess(session, tenant.id, state, self.provider.server)
                login = await access.open()
            yield login, state.owner
        finally:
            await run_to_completion(self._close(tenant))

    async def _close(self, tenant: Tenant) -> None:
        async with self._closed(tenant):
            pass

    @asynccontextmanager
    async def _closed(self, tenant: Tenant) -> AsyncIterator[tuple[Session, TenantState]]:
        """Close the tenant's database under its lock, and yield its state: also after an export
        that was interrupted. Raises DatabaseNotFound."""
        provider = self.provider
        async with hold_place(provider.long_calls), provider.tenant_lock(tenant) as session:
            await remove_export_role(session, tenant.id, provider.server, provider.marks)
            state = await inspect_tenant(session, tenant, provider.marks)
            if not any(not database.is_broken for database in state.databases):
                raise DatabaseNotFound(f"The database {tenant.id} does not exist on the server.")
            await provider.create_access(session, state).suspend()
            yield session, state
