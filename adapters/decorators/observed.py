"""What happened, as structured events: names and ids and durations, never a secret."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from domain.connection import Connection
from domain.database import Database, State
from domain.errors import PgvendError
from domain.order import Holding, Order, Tenant
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.registry import Query, Registry


@dataclass(frozen=True)
class ObservedProvider(DatabaseProvider):
    """One event a call: `provider.provision` with its duration, a warning where it failed."""

    inner: DatabaseProvider
    clock: Clock
    log: FilteringBoundLogger

    async def provision(self, order: Order) -> Connection:
        with self._observed("provision", id=order.tenant.id):
            return await self.inner.provision(order)

    async def rotate(self, order: Order) -> Connection:
        with self._observed("rotate", id=order.tenant.id):
            return await self.inner.rotate(order)

    async def retire(self, tenant: Tenant) -> None:
        with self._observed("retire", id=tenant.id):
            await self.inner.retire(tenant)

    async def inventory(self) -> Sequence[Holding]:
        with self._observed("inventory"):
            return await self.inner.inventory()

    async def ping(self) -> None:
        await self.inner.ping()  # asked for every few seconds, and the asker is told

    @contextmanager
    def _observed(self, call: str, **fields: str) -> Iterator[None]:
        begin = self.clock.elapsed()
        try:
            yield
        except PgvendError as error:
            self.log.warning(
                f"provider.{call}",
                **fields,
                error=error.code,
                detail=str(error),
                ms=self._ms(begin),
            )
            raise
        except BaseException as error:
            self.log.error(
                f"provider.{call}", **fields, error=type(error).__name__, ms=self._ms(begin)
            )
            raise
        self.log.debug(f"provider.{call}", **fields, ms=self._ms(begin))

    def _ms(self, begin: float) -> float:
        return round((self.clock.elapsed() - begin) * 1000, 1)


@dataclass(frozen=True)
class ObservedRegistry(Registry):
    """One event for every state that a database comes into: `database.ready`."""

    inner: Registry
    log: FilteringBoundLogger

    async def add(self, database: Database) -> Database:
        return self._told(await self.inner.add(database))

    async def update(self, database: Database) -> Database:
        kept = await self.inner.update(database)
        # a database that is still being made has made a step, which the provider's events tell
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
            nickname=database.nickname,
            database=database.names.database,
            target=database.target.name,
        )
        return database
