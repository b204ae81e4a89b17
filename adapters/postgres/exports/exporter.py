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
from domain.provisioning import Confirm, Tenant, confirm_always
from ports.driven.cancellation import run_in_thread, run_to_completion
from ports.driven.exporter import Exporter

_CAN_LOG_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"


@dataclass(frozen=True)
class PostgresExporter(Exporter):
    """Exports databases of the provider by pg_dump. No session of the pool is in use meanwhile."""

    provider: PostgresProvider
    folder: ExportFolder
    pg_dump: PgDump

    async def export(self, tenant: Tenant, file: str, confirm: Confirm = confirm_always) -> int:
        async with self._open_part(file) as part:
            async with self._opened(tenant, confirm) as (login, owner):
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
    async def _opened(self, tenant: Tenant, confirm: Confirm) -> AsyncIterator[tuple[Login, str]]:
        """Open the tenant's database for its dump until the context exits. Yield a login, and the
        name of the owner. Raises DatabaseNotFound and StaleRecord."""
        try:
            async with self._lock(tenant) as session:
                await confirm()
                state = await self._clean_up(session, tenant)
                await self.provider.create_access(session, state).suspend()
                access = ExportAccess(session, tenant.id, state, self.provider.server)
                login = await access.open()
            yield login, state.owner
        finally:
            await run_to_completion(self._close(tenant))

    async def _close(self, tenant: Tenant) -> None:
        """Close the database, unless its owner can log in: then it was opened meanwhile, by another
        replica that restored it after this process had lost its lease."""
        async with self._lock(tenant) as session:
            state = await self._clean_up(session, tenant)
            if not await session.fetchval(_CAN_LOG_IN, state.owner):
                await self.provider.create_access(session, state).suspend()

    @asynccontextmanager
    async def _lock(self, tenant: Tenant) -> AsyncIterator[Session]:
        async with (
            hold_place(self.provider.long_calls),
            self.provider.tenant_lock(tenant) as session,
        ):
            yield session

    async def _clean_up(self, session: Session, tenant: Tenant) -> TenantState:
        """Remove the temporary role, also that of an export that was interrupted, and return the
        tenant's state. Raises DatabaseNotFound."""
        provider = self.provider
        await remove_export_role(session, tenant.id, provider.server, provider.marks)
        state = await inspect_tenant(session, tenant, provider.marks)
        if not any(not database.is_broken for database in state.databases):
            raise DatabaseNotFound(f"The database {tenant.id} does not exist on the server.")
        return state
