"""The use cases over memory adapters, with access to the state behind them."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Self, TypeVar

import pytest

from adapters.memory.audit_log import MemoryAuditTrail
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider, Trouble, no_trouble
from adapters.memory.registry import MemoryRegistry
from adapters.system.leases import MemoryLeases
from domain.connection import Connection
from domain.database import Database
from domain.errors import ProviderBusy
from domain.expiry import ExpiryPolicy
from domain.names import Nickname
from domain.passwords import PasswordDeriver
from domain.provisioning import Order, Tenant
from domain.sizes import SizeLimit
from domain.targets import Target
from ports.driven.audit_log import AuditTrail
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Query, Registry
from ports.use_cases.add_extension import AddExtension
from ports.use_cases.audit_events import Audit
from ports.use_cases.change_database import ChangeDatabase
from ports.use_cases.create_database import VendDatabase, VendRequest
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.detect_drift import DetectDrift
from ports.use_cases.expire_database import ExpireDatabase
from ports.use_cases.limit_sizes import ConfineDatabases
from ports.use_cases.provisioned_database import Vended
from ports.use_cases.reconcile import Sweep
from ports.use_cases.reconcile_actions import map_detectors, map_finishers
from ports.use_cases.restore_database import RestoreDatabase
from ports.use_cases.rotate_password import RotatePassword
from ports.use_cases.show_connection import ShowConnection
from ports.use_cases.watch_database import WatchDatabase
from tests.support.clock import FakeClock
from tests.support.doubles import Fails, Holds
from tests.support.provision_requests import deriver
from tests.support.randomness import SeededRandomness
from tests.support.records import ELSEWHERE, TARGET
from tests.support.use_cases import over, vend_with

T = TypeVar("T")

NO_GRACE = timedelta()
HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)

PROVISIONING = ["before provision", "amid provision", "after provision"]
DELETING = ["before delete", "amid delete", "after delete"]
ROTATING = ["before rotate", "after rotate"]
"""The moments of a provider's calls at which a test may inject a fault."""


@dataclass
class Memory:
    """A service over a registry and a provider in memory, into which a test can inject faults."""

    trouble: Trouble = no_trouble
    capacity: int | None = None
    registry: Registry = field(default_factory=MemoryRegistry)
    trail: AuditTrail = field(default_factory=MemoryAuditTrail)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: SeededRandomness = field(default_factory=SeededRandomness)
    expiry: ExpiryPolicy = field(default_factory=ExpiryPolicy)
    target: Target = TARGET
    passwords: PasswordDeriver = deriver
    limit: SizeLimit | None = None

    def __post_init__(self) -> None:
        self.provider = MemoryProvider(capacity=self.capacity, trouble=self._trouble)

    def replica(self) -> Self:
        """Return another process of the service. It shares the registry, the provider and the
        leases."""
        other = replace(self)
        other.provider = self.provider
        return other

    def restarted(self) -> Self:
        """Return the service after a restart: the leases of all former processes have ended."""
        other = self.replica()
        other.leases = MemoryLeases()
        return other

    def elsewhere(self) -> Self:
        """Return the service over another target."""
        return replace(self, target=ELSEWHERE)

    async def create(self, nickname: str = "Sales", **more: Any) -> Vended:
        return await self.vend()(VendRequest(nickname=nickname, **more))

    async def delete(self, database_id: str) -> Database:
        await self.deletion().request(database_id)
        await self.deletion().finish(database_id)
        return await self.registry.get(database_id)

    async def interrupt(self, moment: str, act: Awaitable[object]) -> None:
        """Perform the action, and raise ProviderBusy at that moment, once."""
        self.trouble = Fails({moment: [ProviderBusy("Not now.")]})
        with pytest.raises(ProviderBusy):
            await act

    async def hold(self, moment: str, act: Coroutine[Any, Any, T]) -> tuple[Holds, asyncio.Task[T]]:
        """Start the action, and hold it at that moment until it is released."""
        self.trouble = hold = Holds(moment)
        task = asyncio.create_task(act)
        await hold.arrival()
        return hold, task

    def vend(
        self, *, registry: Registry | None = None, login_check: LoginCheck | None = None
    ) -> VendDatabase:
        login_check = login_check or MemoryLoginCheck(self.provider)
        own = self._parts() | {"registry": registry or self.registry}
        return vend_with(**own, login_check=login_check)

    def deletion(self) -> DeleteDatabase:
        return self._over(DeleteDatabase)

    def rotate(self) -> RotatePassword:
        return self._over(RotatePassword)

    def add_extension(self) -> AddExtension:
        return self._over(AddExtension)

    def restore(self, login_check: LoginCheck | None = None) -> RestoreDatabase:
        check = login_check or MemoryLoginCheck(self.provider)
        return self._over(RestoreDatabase, login_check=check)

    def expire(self, grace: timedelta = NO_GRACE) -> ExpireDatabase:
        return self._over(ExpireDatabase, delete=self.deletion(), grace=grace)

    def connect(self) -> ShowConnection:
        return self._over(ShowConnection, login_check=MemoryLoginCheck(self.provider))

    def change(self) -> ChangeDatabase:
        return self._over(ChangeDatabase)

    def watch(self) -> WatchDatabase:
        return self._over(WatchDatabase)

    def detect_drift(self) -> DetectDrift:
        return self._over(DetectDrift)

    def confine(self) -> ConfineDatabases:
        return self._over(ConfineDatabases, size_guard=self.provider)

    def sweep(self, grace: timedelta = NO_GRACE, *, login_check: LoginCheck | None = None) -> Sweep:
        finishers = map_finishers(
            self.vend(login_check=login_check),
            self.deletion(),
            self.expire(grace),
            self.rotate(),
            self.add_extension(),
            self.restore(),
            self.confine(),
        )
        detectors = map_detectors(detect_drift=self.detect_drift(), limit_sizes=self.confine())
        audit = self._over(Audit)
        return self._over(Sweep, finishers=finishers, detectors=detectors, audit=audit)

    def _over(self, use_case: type[T], **more: Any) -> T:
        return over(use_case, self._parts() | more)

    def _parts(self) -> dict[str, Any]:
        return {part.name: getattr(self, part.name) for part in fields(self)} | {
            "provider": self.provider
        }

    async def records(self) -> list[Database]:
        return await self.registry.search(Query(limit=1000))

    async def only_record(self) -> Database:
        (record,) = await self.records()
        return record

    async def tenant_ids(self) -> set[str]:
        """Return the ids of all tenants on the provider, incomplete ones too."""
        self.trouble = no_trouble
        return {holding.id for holding in await self.provider.inventory()}

    async def occupy(self, nickname: str) -> None:
        """Provision a database of another owner under that nickname's names."""
        names = Nickname(nickname).names()
        order = Order(tenant=Tenant(id="stranger", names=names), password=deriver("stranger", 0))
        await self.provider.provision(order)

    def lets_in(self, database: Database) -> bool:
        """Return whether a login with the derived password works."""
        names, password = database.names, database.order(self.passwords).password
        login: dict[str, Any] = {
            "database": names.database,
            "user": names.owner,
            "password": password,
        }
        return self.provider.accepts(Connection(host="memory.invalid", port=5432, **login))

    async def _trouble(self, moment: str) -> None:
        await self.trouble(moment)
