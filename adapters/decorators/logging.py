"""Logging of calls to ports: structured events with names, ids and durations, never a secret."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from structlog.stdlib import BoundLogger

from domain.connection import Connection
from domain.database import Database
from domain.errors import PgvendError
from domain.extensions import Extension
from domain.provisioning import Holding, Order, Tenant, Tombstone
from domain.sizes import Measure
from domain.states import State
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query, Registry
from ports.driven.size_limiter import SizeGuard


@dataclass(frozen=True)
class Observation:
    """Logs one event for each call with its duration: a warning if it fails, else for debugging."""

    clock: Clock
    log: BoundLogger

    @contextmanager
    def __call__(self, event: str, **fields: str) -> Iterator[None]:
        begin = self.clock.elapsed()
        try:
            yield
        except PgvendError as error:
            ms = self._ms(begin)
            self.log.warning(event, **fields, error=error.code, detail=str(error), ms=ms)
            raise
        except BaseException as error:
            self.log.error(event, **fields, error=type(error).__name__, ms=self._ms(begin))
            raise
        self.log.debug(event, **fields, ms=self._ms(begin))

    def _ms(self, begin: float) -> float:
        return round((self.clock.elapsed() - begin) * 1000, 1)


@dataclass(frozen=True)
class ObservedProvider(DatabaseProvider):
    inner: DatabaseProvider
    observed: Observation

    async def provision(self, order: Order) -> Connection:
        with self.observed("provider.provision", id=order.tenant.id):
            return await self.inner.provision(order)

    async def extensions(self) -> Sequence[Extension]:
        with self.observed("provider.extensions"):
            return await self.inner.extensions()

    async def install(self, order: Order) -> None:
        with self.observed("provider.install", id=order.tenant.id):
            await self.inner.install(order)

    async def reveal(self, order: Order) -> Connection:
        with self.observed("provider.reveal", id=order.tenant.id):
            return await self.inner.reveal(order)

    async def rotate(self, order: Order, *, end_sessions: bool = False) -> Connection:
        with self.observed("provider.rotate", id=order.tenant.id):
            return await self.inner.rotate(order, end_sessions=end_sessions)

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant) -> None:
        with self.observed("provider.suspend", id=tenant.id):
            await self.inner.suspend(tenant)

    async def delete(self, tenant: Tenant) -> Tombstone | None:
        with self.observed("provider.delete", id=tenant.id):
            return await self.inner.delete(tenant)

    async def inventory(self) -> Sequence[Holding]:
        with self.observed("provider.inventory"):
            return await self.inner.inventory()

    async def ping(self) -> None:
        with self.observed("provider.ping"):
            await self.inner.ping()


@dataclass(frozen=True)
class ObservedLoginCheck(LoginCheck):
    inner: LoginCheck
    observed: Observation

    async def verify(self, connection: Connection) -> None:
        with self.observed("login_check.verify", user=connection.user, host=connection.host):
            await self.inner.verify(connection)


@dataclass(frozen=True)
class ObservedSizeGuard(SizeGuard):
    inner: SizeGuard
    observed: Observation

    async def measures(self) -> Mapping[str, Measure]:
        with self.observed("size_guard.measures"):
            return await self.inner.measures()

    async def confine(self, tenant: Tenant) -> None:
        with self.observed("size_guard.confine", id=tenant.id):
            await self.inner.confine(tenant)

    async def release(self, tenant: Tenant) -> None:
        with self.observed("size_guard.release", id=tenant.id):
            await self.inner.release(tenant)


@dataclass(frozen=True)
class ObservedRegistry(Registry):
    """Logs one event for each stored record, named by its state: `database.ready`."""

    inner: Registry
    log: BoundLogger

    async def add(self, database: Database, quota: int | None = None) -> Database:
        return self._told(await self.inner.add(database, quota))

    async def update(self, database: Database) -> Database:
        kept = await self.inner.update(database)
        # while provisioning, the provider's own events report the steps
        return kept if kept.state is State.PROVISIONING else self._told(kept)

    async def get(self, database_id: str) -> Database:
        return await self.inner.get(database_id)

    async def search(self, query: Query) -> list[Database]:
        return await self.inner.search(query)

    async def ping(self) -> None:
        await self.inner.ping()

    def _told(self, database: Database) -> Database:
        self.log.info(
            f"database.{database.state}",
            id=database.id,
            nickname=database.nickname.typed,
            database=database.names.database,
            target=database.target.name,
        )
        return database
