"""Metrics that Prometheus collects."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import disable_created_metrics

from adapters.metrics import catalog
from adapters.metrics.catalog import CATALOG, Kind, Spec
from adapters.metrics.gauges import Gauges
from adapters.metrics.series_cache import SeriesCache
from domain.reconciliation import ReconcileAction
from domain.server_snapshot import Capacity, Concern, Reason
from domain.spares import SpareLevel
from ports.driven.metrics import (
    DONE,
    CreationPath,
    Exposition,
    Lock,
    Metrics,
    MetricsReport,
    Sample,
)


class PrometheusMetrics(Metrics, MetricsReport):
    """The metrics of one service: a process may run several."""

    def __init__(self) -> None:
        # in the whole process: it would be a second series for each counter
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._counters = {each.name: self._create_counter(each) for each in _of(Kind.COUNTER)}
        self._histograms = {each.name: self._create_histogram(each) for each in _of(Kind.HISTOGRAM)}
        self._gauges = Gauges(_of(Kind.GAUGE))
        self._registry.register(self._gauges)
        ProcessCollector(registry=self._registry)
        self._gauges.replace(catalog.BUILD, {version("pgvend"): 1})

    def render(self, accept: str) -> Exposition:
        encode, content_type = choose_encoder(accept)
        return Exposition(content_type, encode(self._registry))

    def count_request(
        self, method: str, route: str, status: int, seconds: float | None = None
    ) -> None:
        self._count(catalog.HTTP_REQUESTS, method, route, str(status))
        if seconds is not None:
            self._observe(catalog.HTTP_REQUEST_DURATION, seconds, route)

    def count_creation(self, path: CreationPath, outcome: str, seconds: float) -> None:
        self._count(catalog.CREATIONS, path, outcome)
        if outcome == DONE:
            self._observe(catalog.CREATION_DURATION, seconds, path)

    def set_running_creations(self, count: int) -> None:
        self._gauges.set(catalog.CREATIONS_RUNNING, count)

    def count_step(self, step: str, outcome: str, seconds: float) -> None:
        self._observe(catalog.STEP_DURATION, seconds, step)
        if outcome != DONE:
            self._count(catalog.STEP_ERRORS, step, outcome)

    def count_neon_request(self, method: str, outcome: str, seconds: float) -> None:
        self._count(catalog.NEON_REQUESTS, method, outcome)
        self._observe(catalog.NEON_REQUEST_DURATION, seconds, method)

    def count_retry(self, error: str) -> None:
        self._count(catalog.RETRIES, error)

    def count_wait(self, lock: Lock, seconds: float) -> None:
        self._observe(catalog.LOCK_WAIT, seconds, lock)

    def set_queue_length(self, length: int) -> None:
        self._gauges.set(catalog.QUEUE_LENGTH, length)

    def count_queue_refusal(self) -> None:
        self._count(catalog.QUEUE_REFUSALS)

    def count_reconciliation(self, outcome: str, at: datetime) -> None:
        self._count(catalog.RECONCILER_RUNS, outcome)
        if outcome == DONE:
            self._gauges.set(catalog.RECONCILER_SUCCESS, at.timestamp())

    def count_reconciler_task(self, action: ReconcileAction, outcome: str) -> None:
        self._count(catalog.RECONCILER_TASKS, action, outcome)

    def set_unresolved(self, counts: Mapping[ReconcileAction, int]) -> None:
        everything = {action.value: counts.get(action, 0) for action in ReconcileAction}
        self._gauges.replace(catalog.RECONCILER_UNRESOLVED, everything)

    def set_sizes(self, sizes: Sequence[int]) -> None:
        self._gauges.set(catalog.MEASURED, len(sizes))
        self._gauges.set(catalog.SIZES, sum(sizes))
        self._gauges.set(catalog.LARGEST_SIZE, max(sizes, default=None))

    def count_ending(self, reason: Reason, outcome: str) -> None:
        self._count(catalog.GUARD_ENDINGS, reason, outcome)

    def set_guard(
        self,
        *,
        is_watching: bool,
        concerns: Collection[Concern],
        oldest_age: int | None,
        connections: Capacity | None,
        disk: Capacity | None,
    ) -> None:
        self._gauges.set(catalog.GUARD_WATCHING, is_watching)
        present = {concern.value: float(concern in concerns) for concern in Concern}
        self._gauges.replace(catalog.GUARD_CONCERN, present)
        self._gauges.set(catalog.OLDEST_AGE, oldest_age)
        self._gauges.set(catalog.CONNECTIONS_FREE, connections.free if connections else None)
        self._gauges.set(catalog.CONNECTIONS_LIMIT, connections.total if connections else None)
        self._gauges.set(catalog.DISK_FREE, disk.free if disk else None)
        self._gauges.set(catalog.DISK_SIZE, disk.total if disk else None)

    def set_sample(self, sample: Sample) -> None:
        self._gauges.set(catalog.SAMPLE_TIME, sample.at.timestamp())
        health = {part: float(is_up) for part, is_up in sample.health.items()}
        self._gauges.replace(catalog.PART_UP, health)
        states = {state.value: number for state, number in sample.databases.items()}
        self._gauges.replace(catalog.DATABASES, states)
        self._set_spares(sample.spares)
        deliveries = sample.deliveries
        self._gauges.set(catalog.DELIVERIES_WAITING, deliveries.waiting if deliveries else None)
        self._gauges.set(catalog.DELIVERIES_GIVEN_UP, deliveries.given_up if deliveries else None)

    def count_delivery(self, outcome: str, seconds: float) -> None:
        self._count(catalog.DELIVERIES, outcome)
        self._observe(catalog.DELIVERY_DURATION, seconds)

    def count_export(self, outcome: str, seconds: float) -> None:
        self._count(catalog.EXPORTS, outcome)
        self._observe(catalog.EXPORT_DURATION, seconds)

    def _set_spares(self, levels: Sequence[SpareLevel]) -> None:
        wanted = {level.template: level.wanted for level in levels}
        self._gauges.replace(catalog.SPARES_WANTED, wanted)
        ready = {level.template: level.ready for level in levels}
        self._gauges.replace(catalog.SPARES_READY, ready)
        filling = {level.template: level.filling for level in levels}
        self._gauges.replace(catalog.SPARES_FILLING, filling)

    def _create_counter(self, spec: Spec) -> SeriesCache[Counter]:
        counter = Counter(spec.name, spec.meaning, spec.labels, registry=self._registry)
        return SeriesCache(counter)

    def _create_histogram(self, spec: Spec) -> SeriesCache[Histogram]:
        return SeriesCache(
            Histogram(
                spec.name, spec.meaning, spec.labels, buckets=spec.buckets, registry=self._registry
            )
        )

    def _count(self, spec: Spec, *labels: str) -> None:
        self._counters[spec.name].find(labels).inc()

    def _observe(self, spec: Spec, seconds: float, *labels: str) -> None:
        self._histograms[spec.name].find(labels).observe(seconds)


def _of(kind: Kind) -> list[Spec]:
    return [spec for spec in CATALOG if spec.kind is kind]
