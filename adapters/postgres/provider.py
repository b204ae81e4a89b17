"""The provider of databases on a PostgreSQL server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

import asyncpg

from adapters.postgres import statements
from adapters.postgres.claim import Claim
from adapters.postgres.creation import Creation
from adapters.postgres.deletion import Deletion
from adapters.postgres.errors import retry_races
from adapters.postgres.extensions import fetch_available_extensions, install
from adapters.postgres.inspection import (
    TenantState,
    build_tombstone_name,
    fetch_inventory,
    inspect_tenant,
)
from adapters.postgres.marks import Marks
from adapters.postgres.measurement import measure_databases
from adapters.postgres.requirements import check_admin_privileges
from adapters.postgres.server import Server
from adapters.postgres.sessions import (
    POOL_SIZE,
    Session,
    acquire_session,
    hold_place,
    open_session,
    skip_reset,
)
from adapters.postgres.tenant_access import TenantAccess
from adapters.postgres.waits import measure_wait
from domain.connection import Connection
from domain.errors import CopyUnsupported, DatabaseNotFound, NameTaken, ProviderBusy
from domain.extensions import Extension, check_available
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)
from domain.sizes import Measurement
from ports.driven.database_provider import DatabaseProvider
from ports.driven.metrics import NO_METRICS, Lock, Metrics
from ports.driven.size_limiter import SizeLimiter


@dataclass(frozen=True)
class PostgresProvider(DatabaseProvider, SizeLimiter):
    """Provides databases on one server, by SQL."""

    server: Server
    marks: Marks
    pool: asyncpg.Pool
    metrics: Metrics = NO_METRICS
    long_calls: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(POOL_SIZE // 2), init=False, repr=False
    )
    """Limits calls that sessions of tenants can block. These must not occupy the whole pool."""
    creations: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(POOL_SIZE - 1), init=False, repr=False
    )
    """Limits creations from nothing, so that a claim, which is much shorter, finds a session."""
    tombstone_calls: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False
    )
    """Limits removals of tombstones to one. No caller waits for them."""

    async def provision(self, request: ProvisionRequest) -> Connection:
        if request.source and not self.can_copy:
            raise CopyUnsupported
        if request.claims:
            await retry_races(lambda: self._claim(request))
        else:
            password = await self.server.encode_password(request.password)
            await retry_races(lambda: self._provision(request, password))
        connection = await self.server.build_connection(request)
        await retry_races(lambda: install(request.extensions, connection, self.server))
        return connection

    async def _claim(self, request: ProvisionRequest) -> None:
        async with self._session() as session:
            if request.extensions:
                check_available(request.extensions, await self._fetch_available(session))
            if await Claim(session, request.tenant, self.server, self.marks).run():
                skip_reset(session)

    async def _provision(self, request: ProvisionRequest, password: str) -> None:
        limit = self.long_calls if request.source else self.creations
        async with self._place(hold_place(limit)), self.tenant_lock(request.tenant) as session:
            await request.confirm()
            state = await inspect_tenant(session, request.tenant, self.marks)
            if request.extensions and not state.databases:  # check before creating anything
                check_available(request.extensions, await self._fetch_available(session))
            await Creation(session, request, password, state, self.server, self.marks).run()

    @property
    def can_copy(self) -> bool:
        return self.server.can_copy

    async def extensions(self) -> Sequence[Extension]:
        async with self._session() as session:
            return await self._fetch_available(session)

    async def _fetch_available(self, session: Session) -> Sequence[Extension]:
        return await fetch_available_extensions(session, self.server.installable)

    async def install(self, request: ProvisionRequest) -> None:
        async with self.tenant_lock(request.tenant) as session:
            state = await self._find_tenant(session, request.tenant)
            if not state.databases:
                raise DatabaseNotFound(
                    f"The database {request.tenant.id} does not exist on the server."
                )
        connection = await self.server.build_connection(request)
        await retry_races(lambda: install(request.extensions, connection, self.server))

    async def reveal(self, request: ProvisionRequest) -> Connection:
        return await self.server.build_connection(request)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        tenant, password = request.tenant, await self.server.encode_password(request.password)
        async with self.tenant_lock(tenant) as session:
            await request.confirm()
            access = self.create_access(session, await self._find_tenant(session, tenant))
            await access.set_password(password, end_sessions=end_sessions)
        return await self.server.build_connection(request)

    async def _find_tenant(self, session: Session, tenant: Tenant) -> TenantState:
        """Inspect a tenant whose login is about to be handed out, and rename its role to the name
        in the record. Raises DatabaseNotFound, and NameTaken if another role has that name."""
        state, name = await inspect_tenant(session, tenant, self.marks), tenant.names.owner
        if not state.has_role or state.is_tombstone(tenant):
            raise DatabaseNotFound(f"The database {tenant.id} does not exist on the server.")
        if state.owner != name:
            try:
                await session.execute(statements.rename_role(state.owner, name))
            except asyncpg.DuplicateObjectError as error:
                raise NameTaken(
                    f"The role name {name!r} is in use by another role on the server."
                ) from error
        return replace(state, owner=name)

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        suspend = TenantAccess.close_spare if tenant.is_spare else TenantAccess.suspend
        await self._change_access(tenant, suspend, confirm)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        return await retry_races(lambda: self._delete(tenant, confirm))

    async def _delete(self, tenant: Tenant, confirm: Confirm) -> Tombstone | None:
        is_tombstone = tenant.names.owner == build_tombstone_name(tenant.id)
        limit = self.tombstone_calls if is_tombstone else self.long_calls
        async with self._place(limit), self.tenant_lock(tenant) as session:
            await confirm()
            state = await inspect_tenant(session, tenant, self.marks)
            if not state.has_role:
                return None
            return await Deletion(session, tenant, state, self.server, self.marks).run()

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        async with self._session() as session:
            return await measure_databases(session, self.marks, tenant_ids)

    async def set_read_only(self, tenant: Tenant) -> None:
        await self._change_access(tenant, TenantAccess.set_read_only)

    async def clear_read_only(self, tenant: Tenant) -> None:
        await self._change_access(tenant, TenantAccess.clear_read_only)

    async def _change_access(
        self,
        tenant: Tenant,
        change: Callable[[TenantAccess], Awaitable[None]],
        confirm: Confirm = confirm_always,
    ) -> None:
        """Change the access of a tenant, if it exists."""
        async with self._place(self.long_calls), self.tenant_lock(tenant) as session:
            await confirm()
            state = await inspect_tenant(session, tenant, self.marks)
            if state.has_role:
                await change(self.create_access(session, state))

    def create_access(self, session: Session, state: TenantState) -> TenantAccess:
        return TenantAccess(session, state.owner, state.databases, self.server, self.marks)

    async def inventory(self) -> Sequence[InventoryItem]:
        async with self._session() as session:
            return await fetch_inventory(session, self.marks)

    async def ping(self) -> None:
        """Check the server in a new session, so that a health check does not queue behind
        creations."""
        async with open_session(self.server.admin, lost=ProviderBusy) as session:
            await check_admin_privileges(session)

    @asynccontextmanager
    async def tenant_lock(self, tenant: Tenant) -> AsyncIterator[Session]:
        """Yield a session with the tenant's advisory lock.

        A session that lost its connection may still be running a statement on the server. It keeps
        the lock until the statement ends, so a repeated call sees its final result.
        """
        async with self._session() as session:
            started_at = perf_counter()
            await session.execute(statements.lock_tenant(tenant.id))
            self.metrics.count_wait(Lock.TENANT, perf_counter() - started_at)
            yield session

    def _session(self) -> AbstractAsyncContextManager[Session]:
        return measure_wait(self.metrics, Lock.SESSION, acquire_session(self.pool))

    def _place(self, place: AbstractAsyncContextManager[None]) -> AbstractAsyncContextManager[None]:
        return measure_wait(self.metrics, Lock.PLACE, place)
