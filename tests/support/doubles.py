"""Test doubles that fail or wait at chosen moments."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from domain.audit import StoredAuditEvent
from domain.connection import Connection
from domain.database import Database
from domain.errors import PgvendError, Unavailable
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
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Changes, Query, Registry

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds after which a test stops waiting."""


@dataclass
class FailAt:
    """A fault hook that raises the listed errors at their moments, one after the other."""

    at: dict[str, list[PgvendError]]

    async def __call__(self, moment: str) -> None:
        if errors := self.at.get(moment):
            raise errors.pop(0)


@dataclass
class HoldAt:
    """A fault hook that waits at one moment until it is released or cancelled."""

    at: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_held(self) -> None:
        """Return when a call has reached the moment; raise TimeoutError if none does."""
        await asyncio.wait_for(self.reached.wait(), PATIENCE)

    async def __call__(self, moment: str) -> None:
        await asyncio.sleep(0)
        if moment == self.at:
            self.reached.set()
            await self.let_go.wait()


@dataclass
class CrashAt:
    """A fault hook that raises an unexpected error at that moment, once."""

    at: str
    error: BaseException | None

    async def __call__(self, moment: str) -> None:
        if moment == self.at and self.error:
            error, self.error = self.error, None
            raise error


async def yield_to_others(moment: str) -> None:
    """A fault hook that yields to other tasks."""
    await asyncio.sleep(0)


@dataclass(frozen=True)
class RefusingLoginCheck(LoginCheck):
    error: PgvendError

    async def verify(self, connection: Connection) -> None:
        raise self.error


class WrappedRegistry(Registry):
    """Passes each call on through `call_inner`."""

    inner: Registry

    @abstractmethod
    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T: ...

    async def add(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return await self.call_inner(lambda: self.inner.add(database, quota, event))

    async def update(
        self,
        database: Database,
        quota: int | None = None,
        event: StoredAuditEvent | None = None,
    ) -> Database:
        return await self.call_inner(lambda: self.inner.update(database, quota, event))

    async def get(self, database_id: str) -> Database:
        return await self.call_inner(lambda: self.inner.get(database_id))

    async def search(self, query: Query) -> list[Database]:
        return await self.call_inner(lambda: self.inner.search(query))

    async def list_changes(self, since: datetime | None = None) -> Changes:
        return await self.call_inner(lambda: self.inner.list_changes(since))

    async def count_states(self) -> Mapping[State, int]:
        return await self.call_inner(self.inner.count_states)

    async def count_live(self, caller: str) -> int:
        return await self.call_inner(lambda: self.inner.count_live(caller))

    async def ping(self) -> None:
        await self.call_inner(self.inner.ping)


@dataclass
class FailingRegistry(WrappedRegistry):
    """Fails from call number `first` (from 1) to before `end`, before or after the effect. Searches
    always work."""

    inner: Registry
    first: int
    end: int
    after_effect: bool = False
    calls: int = 0

    async def search(self, query: Query) -> list[Database]:
        return await self.inner.search(query)

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        fails = self.first <= self.calls < self.end
        if fails and not self.after_effect:
            raise Unavailable
        result = await call()
        if fails:
            raise Unavailable
        return result


@dataclass
class ScriptedProvider(DatabaseProvider):
    """Raises the next of `errors` at each call; afterwards passes calls to `inner`."""

    inner: DatabaseProvider
    errors: list[BaseException] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def provision(self, provision_request: ProvisionRequest) -> Connection:
        self._record_call("provision")
        return await self.inner.provision(provision_request)

    async def extensions(self) -> Sequence[Extension]:
        self._record_call("extensions")
        return await self.inner.extensions()

    async def install(self, provision_request: ProvisionRequest) -> None:
        self._record_call("install")
        await self.inner.install(provision_request)

    async def reveal(self, provision_request: ProvisionRequest) -> Connection:
        self._record_call("reveal")
        return await self.inner.reveal(provision_request)

    async def rotate(
        self, provision_request: ProvisionRequest, *, end_sessions: bool = False
    ) -> Connection:
        self._record_call("rotate")
        return await self.inner.rotate(provision_request, end_sessions=end_sessions)

    async def suspend(self, tenant: Tenant, confirm: Confirm = confirm_always) -> None:
        self._record_call("suspend")
        await self.inner.suspend(tenant, confirm)

    async def delete(self, tenant: Tenant, confirm: Confirm = confirm_always) -> Tombstone | None:
        self._record_call("delete")
        return await self.inner.delete(tenant, confirm)

    async def inventory(self) -> Sequence[InventoryItem]:
        self._record_call("inventory")
        return await self.inner.inventory()

    async def ping(self) -> None:
        self._record_call("ping")
        await self.inner.ping()

    def _record_call(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop(0)
