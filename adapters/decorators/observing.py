"""Observation of calls to ports: by the log, the metrics and the traces."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.audit import StoredAuditEvent
from domain.connection import Connection
from domain.database import Database
from domain.deliveries import Delivery
from domain.extensions import Extension
from domain.lifecycle import State
from domain.provisioning import (
    Confirm,
    InventoryItem,
    ProvisionRequest,
    Tenant,
    Tombstone,
    confirm_always,
)
from domain.secrets import Secret
from domain.sizes import Measurement
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Changes, Query, Registry
from ports.driven.size_limiter import SizeLimiter
from ports.driven.webhook_sender import WebhookSender


class Observer(Protocol):
    """Returns a context for a call, which sees its end and its error but does not change them.

    `event` is the port and the method; there are few of them. The fields are names and ids, never
    a secret.
    """

    def __call__(self, event: str, **fields: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Observers:
    """Lets several observers observe each call; the first one enters first and leaves last."""

    observers: Sequence[Observer]

    @contextmanager
    def __call__(self, event: str, **fields: str) -> Iterator[None]:
        with ExitStack() as contexts:
            for observe in self.observers:
                contexts.enter_context(observe(event, **fields))
            yield


@dataclass(frozen=True)
class ObservingProvider(DatabaseProvider):
    inner: DatabaseProvider
    observe: Observer

    async def provision(self, request: ProvisionRequest) -> Connection:
        event = "provider.claim" if request.claims else "provider.provision"
        with self.observe(event, id=request.tenant.id):
            return await self.inner.provision(request)

    async def extensions(self) -> Sequence[Extension]:
        with self.observe("provider.extensions"):
            return await self.inner.extensions()

    async def install(self, request: ProvisionRequest) -> None:
        with self.observe("provider.install", id=request.tenant.id):
            await self.inner.install(request)

    async def reveal(self, request: ProvisionRequest) -> Connection:
        with self.observe("provider.reveal", id=request.tenant.id):
            return await self.inner.reveal(request)

    async def rotate(self, request: ProvisionRequest, *, end_sessions: bool = False) -> Connection:
        with self.observe("provider.rotate", id=request.tenant.id):
            return await self.inner.rotate(request, end_sessions=end_sessions)

    @property
    def can_copy(self) -> bool:
        return self.inner.can_copy

    @property
    def rotation_ends_sessions(self) -> bool:
        return self.inner.rotation_ends_sessions

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        with self.observe("provider.suspend", id=tenant.id):
            await self.inner.suspend(tenant, confirm)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        with self.observe("provider.delete", id=tenant.id):
            return await self.inner.delete(tenant, confirm)

    async def inventory(self) -> Sequence[InventoryItem]:
        with self.observe("provider.inventory"):
            return await self.inner.inventory()

    async def ping(self) -> None:
        with self.observe("provider.ping"):
            await self.inner.ping()


@dataclass(frozen=True)
class ObservingLoginCheck(LoginCheck):
    inner: LoginCheck
    observe: Observer

    async def verify(self, connection: Connection) -> None:
        with self.observe("login_check.verify", user=connection.user, host=connection.host):
            await self.inner.verify(connection)


@dataclass(frozen=True)
class ObservingSizeLimiter(SizeLimiter):
    inner: SizeLimiter
    observe: Observer

    async def measure_sizes(
        self, tenant_ids: Collection[str] | None = None
    ) -> Mapping[str, Measurement]:
        with self.observe("size_limiter.measure_sizes"):
            return await self.inner.measure_sizes(tenant_ids)

    async def set_read_only(self, tenant: Tenant) -> None:
        with self.observe("size_limiter.set_read_only", id=tenant.id):
            await self.inner.set_read_only(tenant)

    async def clear_read_only(self, tenant: Tenant) -> None:
        with self.observe("size_limiter.clear_read_only", id=tenant.id):
            await self.inner.clear_read_only(tenant)


@dataclass(frozen=True)
class ObservingWebhookSender(WebhookSender):
    inner: WebhookSender
    observe: Observer

    async def send(self, delivery: Delivery, secret: Secret) -> None:
        with self.observe("webhook_sender.send", id=delivery.id, webhook=delivery.webhook_id):
            await self.inner.send(delivery, secret)


@dataclass(frozen=True)
class ObservingRegistry(Registry):
    inner: Registry
    observe: Observer

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        with self.observe("registry.add", id=database.id):
            return await self.inner.add(database, quota, event)

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        with self.observe("registry.update", id=database.id):
            return await self.inner.update(database, quota, event)

    async def get(self, database_id: str) -> Database:
        with self.observe("registry.get", id=database_id):
            return await self.inner.get(database_id)

    async def search(self, query: Query) -> list[Database]:
        with self.observe("registry.search"):
            return await self.inner.search(query)

    async def count_live(self, caller: str) -> int:
        with self.observe("registry.count_live"):
            return await self.inner.count_live(caller)

    async def count_states(self) -> Mapping[State, int]:
        with self.observe("registry.count_states"):
            return await self.inner.count_states()

    async def list_changes(self, since: datetime | None = None) -> Changes:
        with self.observe("registry.list_changes"):
            return await self.inner.list_changes(since)

    async def ping(self) -> None:
        with self.observe("registry.ping"):
            await self.inner.ping()
