"""The use cases of the service's callers, created over its adapters."""

from dataclasses import dataclass
from functools import cached_property

from domain.passwords import PasswordDeriver
from entrypoints.config.settings import Settings
from entrypoints.wiring.access import Access
from entrypoints.wiring.tracing import Tracing, use_case
from entrypoints.wiring.webhooks import Webhooks
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.guard import Guard
from ports.driven.leases import Leases
from ports.driven.login_check import LoginCheck
from ports.driven.metrics import Metrics
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.driven.size_limiter import SizeLimiter
from ports.use_cases.add_extension import AddExtension
from ports.use_cases.change_database import ChangeDatabase
from ports.use_cases.claim_spare import ClaimSpare
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.create_template import CreateTemplate
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.delete_databases import DeleteDatabases
from ports.use_cases.deletion_pace import DeletionPace
from ports.use_cases.find_database import FindDatabase
from ports.use_cases.find_reusable import FindReusable
from ports.use_cases.find_source import FindSource
from ports.use_cases.find_template import FindTemplate
from ports.use_cases.list_databases import ListDatabases
from ports.use_cases.list_extensions import ListExtensions
from ports.use_cases.manage_templates import ManageTemplates
from ports.use_cases.measure_sizes import MeasureSizes
from ports.use_cases.poll_changes import PollChanges
from ports.use_cases.provision_database import ProvisionDatabase
from ports.use_cases.record_creation import RecordCreation
from ports.use_cases.record_feed import RecordFeed
from ports.use_cases.restore_database import RestoreDatabase
from ports.use_cases.reuse_database import ReuseDatabase
from ports.use_cases.rotate_password import RotatePassword
from ports.use_cases.running_creations import RunningCreations
from ports.use_cases.show_connection import ShowConnection
from ports.use_cases.spare_pool import SparePool
from ports.use_cases.watch_database import WatchDatabase
from ports.use_cases.watch_databases import WatchDatabases


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """The use cases over these ports, each created when it is first needed.

    `guard` is None for providers without a guard; a login check is None where the settings switch
    it off. `size_meter` measures for callers who wait, without retries.
    """

    settings: Settings
    access: Access
    webhooks: Webhooks
    clock: Clock
    randomness: Randomness
    passwords: PasswordDeriver
    registry: Registry
    leases: Leases
    provider: DatabaseProvider
    login_check: LoginCheck
    reveal_check: LoginCheck | None
    restore_check: LoginCheck | None
    size_limiter: SizeLimiter
    size_meter: SizeLimiter
    guard: Guard | None
    feed: RecordFeed
    metrics: Metrics
    tracing: Tracing | None = None

    @use_case
    def create(self) -> CreateDatabase:
        return CreateDatabase(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
            randomness=self.randomness,
            expiry=self.settings.expiry_policy,
            provision=self.provision,
            claim=self.claim_spare,
            find_source=self.find_source,
            has_opaque_names=self.settings.has_opaque_names,
        )

    @use_case
    def reuse(self) -> ReuseDatabase:
        return ReuseDatabase(
            registry=self.registry,
            provider=self.provider,
            clock=self.clock,
            passwords=self.passwords,
            expiry=self.settings.expiry_policy,
            target=self.settings.target,
            find=FindReusable(registry=self.registry),
            create=self.create,
            restore=self.restore,
            add_extension=self.add_extension,
        )

    @cached_property
    def spare_pool(self) -> SparePool:
        return SparePool(
            registry=self.registry,
            target=self.settings.target,
            passwords=self.passwords,
            running=self.running,
            counts=self.settings.spares,
            settings_shape=self.settings.spare_shape,
        )

    @cached_property
    def running(self) -> RunningCreations:
        return RunningCreations(self.clock)

    @use_case
    def claim_spare(self) -> ClaimSpare:
        return ClaimSpare(pool=self.spare_pool, leases=self.leases, provision=self.provision)

    @use_case
    def find_source(self) -> FindSource:
        return FindSource(
            registry=self.registry,
            provider=self.provider,
            clock=self.clock,
            target=self.settings.target,
            databases=self.find,
            templates=self.find_template,
        )

    @use_case
    def create_template(self) -> CreateTemplate:
        return CreateTemplate(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
            randomness=self.randomness,
            find_source=self.find_source,
            delete=self.delete,
            report_ready=self.spare_pool.report_claim,
        )

    @use_case
    def templates(self) -> ManageTemplates:
        return ManageTemplates(
            registry=self.registry, delete=self.delete, templates=self.find_template
        )

    @use_case
    def record_creation(self) -> RecordCreation:
        return RecordCreation(registry=self.registry, randomness=self.randomness)

    @use_case
    def provision(self) -> ProvisionDatabase:
        return ProvisionDatabase(
            registry=self.registry,
            record=self.record_creation,
            provider=self.provider,
            clock=self.clock,
            passwords=self.passwords,
            randomness=self.randomness,
            login_check=self.login_check,
            delete=self.delete,
            metrics=self.metrics,
        )

    @use_case
    def find(self) -> FindDatabase:
        return FindDatabase(registry=self.registry)

    @use_case
    def find_template(self) -> FindTemplate:
        return FindTemplate(registry=self.registry)

    @use_case
    def show_connection(self) -> ShowConnection:
        return ShowConnection(
            registry=self.registry,
            provider=self.provider,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
            login_check=self.reveal_check,
        )

    @use_case
    def list(self) -> ListDatabases:
        return ListDatabases(registry=self.registry)

    @use_case
    def measure_sizes(self) -> MeasureSizes:
        return MeasureSizes(
            size_limiter=self.size_meter, clock=self.clock, target=self.settings.target
        )

    @cached_property
    def watch(self) -> WatchDatabase:
        return WatchDatabase(registry=self.registry, clock=self.clock)

    @cached_property
    def watch_all(self) -> WatchDatabases:
        return WatchDatabases(feed=self.feed, poll=self.poll_changes, clock=self.clock)

    @cached_property
    def poll_changes(self) -> PollChanges:
        return PollChanges(registry=self.registry, feed=self.feed)

    @use_case
    def change(self) -> ChangeDatabase:
        return ChangeDatabase(
            registry=self.registry, clock=self.clock, expiry=self.settings.expiry_policy
        )

    @use_case
    def rotate(self) -> RotatePassword:
        return RotatePassword(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
            randomness=self.randomness,
        )

    @use_case
    def restore(self) -> RestoreDatabase:
        return RestoreDatabase(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
            randomness=self.randomness,
            login_check=self.restore_check,
            expiry=self.settings.expiry_policy,
        )

    @use_case
    def delete(self) -> DeleteDatabase:
        return DeleteDatabase(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            pace=DeletionPace(self.clock, self.running),
        )

    @use_case
    def delete_all(self) -> DeleteDatabases:
        return DeleteDatabases(delete=self.delete)

    @use_case
    def add_extension(self) -> AddExtension:
        return AddExtension(
            registry=self.registry,
            provider=self.provider,
            leases=self.leases,
            clock=self.clock,
            target=self.settings.target,
            passwords=self.passwords,
        )

    @use_case
    def list_extensions(self) -> ListExtensions:
        return ListExtensions(provider=self.provider)
