"""Logging of calls to ports: structured events with names, ids and durations, never a secret."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from structlog.stdlib import BoundLogger

from domain.audit import StoredAuditEvent
from domain.connection import Connection
from domain.database import Database
from domain.errors import PgvendError
from domain.extensions import Extension
from domain.lifecycle import Operation, State
from domain.provisioning import InventoryItem, ProvisionRequest, Tenant, Tombstone
from domain.sizes import Measurement
from domain.templates import describe_state
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Changes, Query, Registry
from ports.driven.size_limiter import SizeLimiter


@dataclass(frozen=True)
class CallLogger:
    """Logs one event for each call with its duration: a warning if it fails, else for debugging."""

    clock: Clock
    log: BoundLogger

    @contextmanager
    def __call__(self, event: str, **fields: str) -> Iterator[None]:
        started_at = self.clock.elapsed()
        try:
            yield
        except PgvendError as error:
            ms = self._measure_ms(started_at)
            self.log.warning(event, **fields, error=error.code, detail=str(error), ms=ms)
            raise
        except BaseException as error:
            self.log.error(
                event, **fields, error=type(error).__name__, ms=self._measure_ms(started_at)
            )
            raise
        self.log.debug(event, **fields, ms=self._measure_ms(started_at))

    def _measure_ms(self, started_at: float) -> float:
        return round((self.clock.elapsed() - started_at) * 1000, 1)


@dataclass(frozen=True)
class LoggingProvider(DatabaseProvider):
    inner: DatabaseProvider
    log_call: CallLogger

    async def provision(self, request: ProvisionRequest) -> Connection:
        event = "provider.claim" if request.claims else "provider.provision"
        with self.log_call(event, id=request.tenant.id):
            return await self.inner.provision(request)

    async def extensions(self) -> Sequence[Extension]:
        with self.log_call("provider.extensions"):
            return await self.inner.extensions()

    async def install(self, request: ProvisionRequest) -> None:
        with self.log_call("provider.install", id=request.tenant.id):
            await self.inner.install(request)

    async def reveal(self, request: ProvisionRequest) -> Connection:
        with self.log_call("provider.reveal", id=request.tenant.id):
            return await self.inner.reveal(request)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        with self.log_call("provider.rotate", id=request.tenant.id):
            return await self.inner.rotate(request, end_sessions=end_sessions)

    @property
    def can_copy(self) -> bool:
        return self.inner.can_copy

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant) -> None:
        with self.log_call("provider.suspend", id=tenant.id):
            await self.inner.suspend(tenant)

    async def delete(self, tenant: Tenant) -> Tombstone | None:
        with self.log_call("provider.delete", id=tenant.id):
            return await self.inner.delete(tenant)

    async def inventory(self) -> Sequence[InventoryItem]:
        with self.log_call("provider.inventory"):
            return await self.inner.inventory()

    async def ping(self) -> None:
        with self.log_call("provider.ping"):
            await self.inner.ping()


@dataclass(frozen=True)
class LoggingLoginCheck(LoginCheck):
    inner: LoginCheck
    log_call: CallLogger

    async def verify(self, connection: Connection) -> None:
        with self.log_call("login_check.verify", user=connection.user, host=connection.host):
            await self.inner.verify(connection)


@dataclass(frozen=True)
class LoggingSizeLimiter(SizeLimiter):
    inner: SizeLimiter
    log_call: CallLogger

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        with self.log_call("size_limiter.measure_sizes"):
            return await self.inner.measure_sizes(tenant_ids)

    async def set_read_only(self, tenant: Tenant) -> None:
        with self.log_call("size_limiter.set_read_only", id=tenant.id):
            await self.inner.set_read_only(tenant)

    async def clear_read_only(self, tenant: Tenant) -> None:
        with self.log_call("size_limiter.clear_read_only", id=tenant.id):
            await self.inner.clear_read_only(tenant)


@dataclass(frozen=True)
class LoggingRegistry(Registry):
    """Logs one event for each stored record, named by its state: `database.ready` or
    `template.ready`."""

    inner: Registry
    log: BoundLogger

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return self._log_state(await self.inner.add(database, quota, event))

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        stored = await self.inner.update(database, quota, event)
        # while provisioning, the provider's own events report the steps; a template that is ready
        # still replaces others
        is_step = describe_state(stored) is State.PROVISIONING
        return (
            stored if is_step or stored.is_pending(Operation.REPLACE) else self._log_state(stored)
        )

    async def get(self, database_id: str) -> Database:
        return await self.inner.get(database_id)

    async def search(self, query: Query) -> list[Database]:
        return await self.inner.search(query)

    async def list_changes(self, since: datetime | None = None) -> Changes:
        return await self.inner.list_changes(since)

    async def count_live(self, caller: str) -> int:
        return await self.inner.count_live(caller)

    async def ping(self) -> None:
        await self.inner.ping()

    def _log_state(self, database: Database) -> Database:
        """Log the state: in detail only for a spare, for which no caller asked."""
        log = self.log.debug if database.is_spare else self.log.info
        kind = "template" if database.is_template else "database"
        log(
            f"{kind}.{describe_state(database)}",
            id=database.id,
            nickname=database.nickname.text,
            database=database.names.database,
            target=database.target.name,
        )
        return database
