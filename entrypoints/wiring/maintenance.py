"""The use cases that keep the service in order, created over those of its callers."""

from dataclasses import dataclass
from functools import cached_property

from entrypoints.wiring.tracing import Tracing, use_case
from entrypoints.wiring.use_cases import UseCases
from ports.driven.exporter import Exporter
from ports.use_cases.check_health import CheckHealth
from ports.use_cases.detect_drift import DetectDrift
from ports.use_cases.expire_database import ExpireDatabase
from ports.use_cases.export_database import ExportDatabase
from ports.use_cases.export_queue import ExportQueue
from ports.use_cases.guard_server import GuardServer
from ports.use_cases.limit_sizes import LimitSizes
from ports.use_cases.list_spares import ListSpares
from ports.use_cases.maintain_spares import MaintainSpares
from ports.use_cases.reconcile import Reconcile
from ports.use_cases.reconcile_tasks import map_detectors, map_finishers
from ports.use_cases.sample_metrics import SampleMetrics


@dataclass(frozen=True)
class Maintenance:
    """What the background loops run, and what operators ask for.

    `guard_server` is None for providers without a guard. Without an `exporter`, nothing is
    exported.
    """

    use_cases: UseCases
    exporter: Exporter | None

    @property
    def tracing(self) -> Tracing | None:
        return self.use_cases.tracing

    @use_case
    def reconcile(self) -> Reconcile:
        return Reconcile(
            registry=self.use_cases.registry,
            leases=self.use_cases.leases,
            clock=self.use_cases.clock,
            target=self.use_cases.settings.target,
            audit=self.use_cases.access.audit,
            finishers=map_finishers(
                self.use_cases.create,
                self.use_cases.create_template,
                self.use_cases.delete,
                self.expire,
                self.use_cases.rotate,
                self.use_cases.add_extension,
                self.use_cases.restore,
                self.limit_sizes,
                self.maintain_spares,
            ),
            detectors=map_detectors(detect_drift=self.detect_drift, limit_sizes=self.limit_sizes),
            metrics=self.use_cases.metrics,
        )

    @use_case
    def detect_drift(self) -> DetectDrift:
        return DetectDrift(
            registry=self.use_cases.registry,
            provider=self.use_cases.provider,
            leases=self.use_cases.leases,
            clock=self.use_cases.clock,
            target=self.use_cases.settings.target,
        )

    @use_case
    def limit_sizes(self) -> LimitSizes:
        return LimitSizes(
            registry=self.use_cases.registry,
            size_limiter=self.use_cases.size_limiter,
            leases=self.use_cases.leases,
            clock=self.use_cases.clock,
            target=self.use_cases.settings.target,
            limit=self.use_cases.settings.size_limit,
            metrics=self.use_cases.metrics,
        )

    @use_case
    def maintain_spares(self) -> MaintainSpares:
        return MaintainSpares(
            pool=self.use_cases.spare_pool,
            registry=self.use_cases.registry,
            provider=self.use_cases.provider,
            login_check=self.use_cases.login_check,
            leases=self.use_cases.leases,
            delete=self.use_cases.delete,
            clock=self.use_cases.clock,
            randomness=self.use_cases.randomness,
        )

    @cached_property
    def guard_server(self) -> GuardServer | None:
        if self.use_cases.guard is None:
            return None
        return GuardServer(
            self.use_cases.guard,
            self.use_cases.settings.guard_policy,
            self.use_cases.clock,
            metrics=self.use_cases.metrics,
        )

    @cached_property
    def check_health(self) -> CheckHealth:
        return CheckHealth(
            registry=self.use_cases.registry,
            provider=self.use_cases.provider,
            guard=self.guard_server,
            list_spares=self.list_spares if any(self.use_cases.settings.spares.values()) else None,
        )

    @cached_property
    def sample_metrics(self) -> SampleMetrics:
        return SampleMetrics(
            check_health=self.check_health,
            registry=self.use_cases.registry,
            webhooks=self.use_cases.webhooks.store,
            running=self.use_cases.running,
            guard=self.guard_server,
            clock=self.use_cases.clock,
            metrics=self.use_cases.metrics,
        )

    @use_case
    def expire(self) -> ExpireDatabase:
        return ExpireDatabase(
            registry=self.use_cases.registry,
            provider=self.use_cases.provider,
            leases=self.use_cases.leases,
            clock=self.use_cases.clock,
            delete=self.use_cases.delete,
            grace=self.use_cases.settings.grace,
            exports=self.exports if self.exporter else None,
        )

    @cached_property
    def exports(self) -> ExportQueue:
        return ExportQueue(self.use_cases.settings.export_patience)

    @use_case
    def export(self) -> ExportDatabase | None:
        if self.exporter is None:
            return None
        return ExportDatabase(
            registry=self.use_cases.registry,
            exporter=self.exporter,
            leases=self.use_cases.leases,
            clock=self.use_cases.clock,
            delete=self.use_cases.delete,
            audit=self.use_cases.access.audit,
            patience=self.use_cases.settings.export_patience,
            metrics=self.use_cases.metrics,
        )

    @cached_property
    def list_spares(self) -> ListSpares:
        return ListSpares(pool=self.use_cases.spare_pool)
