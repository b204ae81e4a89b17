"""The use cases over memory adapters, with access to the state behind them."""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, Self, TypeVar

import pytest

from adapters.memory.audit_log import MemoryAuditLog
from adapters.memory.exporter import MemoryExporter
from adapters.memory.provider import FaultHook, MemoryLoginCheck, MemoryProvider, no_fault
from adapters.memory.registry import MemoryRegistry
from adapters.system.leases import InProcessLeases
from domain.connection import Connection
from domain.database import Database
from domain.errors import ProviderBusy
from domain.expiry import ExpiryPolicy
from domain.names import Nickname
from domain.passwords import PasswordDeriver
from domain.provisioning import ProvisionRequest, Tenant
from domain.sizes import SizeLimit
from domain.targets import Target
from ports.driven.audit_log import AuditLog
from ports.driven.login_check import LoginCheck
from ports.driven.metrics import NO_METRICS, Metrics
from ports.driven.registry import Query, Registry
from ports.use_cases.add_extension import AddExtension
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.change_database import ChangeDatabase
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.create_request import CreateRequest
from ports.use_cases.create_template import CreateTemplate
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.delete_databases import DeleteDatabases
from ports.use_cases.deletion_pace import DeletionPace
from ports.use_cases.detect_drift import DetectDrift
from ports.use_cases.expire_database import ExpireDatabase
from ports.use_cases.export_database import ExportDatabase
from ports.use_cases.export_queue import ExportQueue
from ports.use_cases.find_reusable import FindReusable
from ports.use_cases.find_source import FindSource
from ports.use_cases.limit_sizes import LimitSizes
from ports.use_cases.maintain_spares import MaintainSpares
from ports.use_cases.manage_templates import ManageTemplates
from ports.use_cases.provisioned_database import ProvisionedDatabase
from ports.use_cases.reconcile import Reconcile
from ports.use_cases.reconcile_tasks import map_detectors, map_finishers
from ports.use_cases.restore_database import RestoreDatabase
from ports.use_cases.reuse_database import ReuseDatabase
from ports.use_cases.rotate_password import RotatePassword
from ports.use_cases.running_creations import RunningCreations
from ports.use_cases.show_connection import ShowConnection
from ports.use_cases.spare_pool import SparePool
from ports.use_cases.watch_database import WatchDatabase
from tests.support.clock import FakeClock
from tests.support.doubles import FailAt, HoldAt
from tests.support.provision_requests import deriver
from tests.support.randomness import SeededRandomness
from tests.support.records import ELSEWHERE, TARGET
from tests.support.use_cases import create_create_database, create_use_case

T = TypeVar("T")

NO_GRACE = timedelta()
HOUR = timedelta(hours=1)
GRACE = timedelta(days=1)

PROVISIONING = ["before provision", "during provision", "after provision"]
DELETING = ["before delete", "during delete", "after delete"]
ROTATING = ["before rotate", "after rotate"]
"""The moments of a provider's calls at which a test may inject a fault."""


@dataclass
class MemoryService:
    """A service over a registry and a provider in memory, into which a test can inject faults."""

    fault_hook: FaultHook = no_fault
    capacity: int | None = None
    registry: Registry = field(default_factory=MemoryRegistry)
    audit_log: AuditLog = field(default_factory=MemoryAuditLog)
    leases: InProcessLeases = field(default_factory=InProcessLeases)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: SeededRandomness = field(default_factory=SeededRandomness)
    expiry: ExpiryPolicy = field(default_factory=ExpiryPolicy)
    target: Target = TARGET
    passwords: PasswordDeriver = deriver
    limit: SizeLimit | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """The wanted spares."""
    settings_shape: str = ""
    has_opaque_names: bool = False
    metrics: Metrics = NO_METRICS
    exports: ExportQueue | None = None

    def __post_init__(self) -> None:
        self.provider = MemoryProvider(capacity=self.capacity, fault_hook=self._fault_hook)
        self.exporter = MemoryExporter(self.provider, self._fault_hook)
        self.running = RunningCreations(self.clock)
        self.pace = DeletionPace(self.clock, self.running)

    def replica(self) -> Self:
        """Return another process of the service. It shares the registry, the provider and the
        leases."""
        other = replace(self)
        other.provider, other.exporter = self.provider, self.exporter
        return other

    def restarted(self) -> Self:
        """Return the service after a restart: the leases of all former processes have ended."""
        other = self.replica()
        other.leases = InProcessLeases()
        return other

    def elsewhere(self) -> Self:
        """Return the service over another target."""
        return replace(self, target=ELSEWHERE)

    async def create(self, nickname: str = "Sales", **more: Any) -> ProvisionedDatabase:
        return await self.create_database()(CreateRequest(nickname=nickname, **more))

    async def delete(self, database_id: str) -> Database:
        await self.deletion().request(database_id)
        await self.deletion().finish(database_id)
        return await self.registry.get(database_id)

    async def interrupt(self, moment: str, action: Awaitable[object]) -> None:
        """Perform the action, and raise ProviderBusy at that moment, once."""
        self.fault_hook = FailAt({moment: [ProviderBusy("Not now.")]})
        with pytest.raises(ProviderBusy):
            await action

    async def hold(
        self, moment: str, action: Coroutine[Any, Any, T]
    ) -> tuple[HoldAt, asyncio.Task[T]]:
        """Start the action, and hold it at that moment until it is released."""
        self.fault_hook = hold = HoldAt(moment)
        task = asyncio.create_task(action)
        await hold.wait_until_held()
        return hold, task

    def create_database(
        self, *, registry: Registry | None = None, login_check: LoginCheck | None = None
    ) -> CreateDatabase:
        login_check = login_check or MemoryLoginCheck(self.provider)
        own = self._parts() | {"registry": registry or self.registry, "pool": self.pool}
        return create_create_database(**own, login_check=login_check)

    def reuse_database(self, *, login_check: LoginCheck | None = None) -> ReuseDatabase:
        return self._create_use_case(
            ReuseDatabase,
            find=self._create_use_case(FindReusable),
            create=self.create_database(login_check=login_check),
            restore=self.restore(),
            add_extension=self.add_extension(),
        )

    @cached_property
    def pool(self) -> SparePool:
        """The pool of this process, over the registry that it has when the pool is first used."""
        return create_use_case(SparePool, self._parts())

    def maintain_spares(self, login_check: LoginCheck | None = None) -> MaintainSpares:
        return self._create_use_case(
            MaintainSpares,
            pool=self.pool,
            delete=self.deletion(),
            login_check=login_check or MemoryLoginCheck(self.provider),
        )

    async def spares(self) -> list[Database]:
        """Return the records of spares, oldest first."""
        return sorted(await self.pool.list_spares(), key=attrgetter("id"))

    def create_template(self) -> CreateTemplate:
        return self._create_use_case(
            CreateTemplate,
            delete=self.deletion(),
            find_source=self._create_use_case(FindSource),
        )

    def templates(self) -> ManageTemplates:
        return self._create_use_case(ManageTemplates, delete=self.deletion())

    def deletion(self) -> DeleteDatabase:
        return self._create_use_case(DeleteDatabase)

    def bulk_deletion(self) -> DeleteDatabases:
        return DeleteDatabases(delete=self.deletion())

    def rotate(self) -> RotatePassword:
        return self._create_use_case(RotatePassword)

    def add_extension(self) -> AddExtension:
        return self._create_use_case(AddExtension)

    def restore(self, login_check: LoginCheck | None = None) -> RestoreDatabase:
        check = login_check or MemoryLoginCheck(self.provider)
        return self._create_use_case(RestoreDatabase, login_check=check)

    def expire(self, grace: timedelta = NO_GRACE) -> ExpireDatabase:
        return self._create_use_case(ExpireDatabase, delete=self.deletion(), grace=grace)

    def export(self, patience: timedelta) -> ExportDatabase:
        return self._create_use_case(
            ExportDatabase,
            exporter=self.exporter,
            delete=self.deletion(),
            audit=self._create_use_case(AuditEvents),
            patience=patience,
        )

    def show_connection(self) -> ShowConnection:
        return self._create_use_case(ShowConnection, login_check=MemoryLoginCheck(self.provider))

    def change(self) -> ChangeDatabase:
        return self._create_use_case(ChangeDatabase)

    def watch(self) -> WatchDatabase:
        return self._create_use_case(WatchDatabase)

    def detect_drift(self) -> DetectDrift:
        return self._create_use_case(DetectDrift)

    def limit_sizes(self) -> LimitSizes:
        return self._create_use_case(LimitSizes, size_limiter=self.provider)

    def reconcile(
        self, grace: timedelta = NO_GRACE, *, login_check: LoginCheck | None = None
    ) -> Reconcile:
        finishers = map_finishers(
            self.create_database(login_check=login_check),
            self.create_template(),
            self.deletion(),
            self.expire(grace),
            self.rotate(),
            self.add_extension(),
            self.restore(),
            self.limit_sizes(),
            self.maintain_spares(login_check),
        )
        detectors = map_detectors(detect_drift=self.detect_drift(), limit_sizes=self.limit_sizes())
        audit = self._create_use_case(AuditEvents)
        return self._create_use_case(
            Reconcile, finishers=finishers, detectors=detectors, audit=audit
        )

    def _create_use_case(self, use_case: type[T], **more: Any) -> T:
        return create_use_case(use_case, self._parts() | more)

    def _parts(self) -> dict[str, Any]:
        return {part.name: getattr(self, part.name) for part in fields(self)} | {
            "provider": self.provider,
            "running": self.running,
            "pace": self.pace,
        }

    async def records(self) -> list[Database]:
        return await self.registry.search(Query(limit=1000))

    async def only_record(self) -> Database:
        (record,) = await self.records()
        return record

    async def tenant_ids(self) -> set[str]:
        """Return the ids of all tenants on the provider, incomplete ones too."""
        self.fault_hook = no_fault
        return {item.id for item in await self.provider.inventory()}

    async def occupy(self, nickname: str) -> None:
        """Provision a database of another owner under that nickname's names."""
        names = Nickname(nickname).derive_names()
        provision_request = ProvisionRequest(
            tenant=Tenant(id="stranger", names=names), password=deriver("stranger", 0)
        )
        await self.provider.provision(provision_request)

    def accepts_login(self, database: Database) -> bool:
        """Return whether a login with the derived password works."""
        names, password = database.names, database.to_provision_request(self.passwords).password
        login: dict[str, Any] = {
            "database": names.database,
            "user": names.owner,
            "password": password,
        }
        return self.provider.accepts(Connection(host="memory.invalid", port=5432, **login))

    async def _fault_hook(self, moment: str) -> None:
        await self.fault_hook(moment)
