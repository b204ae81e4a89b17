"""Metrics, as Prometheus reads them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from domain.lifecycle import State
from domain.reconciliation import ReconcileAction
from domain.server_snapshot import Capacity, Concern, Reason
from domain.spares import SpareLevel
from domain.webhooks import DeliverySummary
from ports.driven.metrics import CreationPath, Lock, Metrics, MetricsReport, Sample

Series = tuple[str, ...]
"""The name of a time series, followed by its labels: `status=200`."""


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

SAMPLE = Sample(
    at=NOON,
    health={"registry": True, "provider": False},
    databases={State.READY: 3, State.EXPIRED: 0},
    spares=[SpareLevel(template="shop", wanted=4, ready=2, filling=1)],
    deliveries=DeliverySummary(waiting=3, given_up=1),
)

GUARD: dict[str, Any] = {
    "is_watching": True,
    "concerns": [Concern.DISK],
    "oldest_age": 7,
    "connections": Capacity(free=90, total=100),
    "disk": Capacity(free=5, total=50),
}

USES: dict[str, Callable[[Metrics], None]] = {
    "count_request": lambda m: m.count_request("GET", "/v1/databases/{id}", 200, 0.1),
    "count_creation": lambda m: m.count_creation(CreationPath.POOLED, "done", 0.1),
    "set_running_creations": lambda m: m.set_running_creations(2),
    "count_step": lambda m: m.count_step("provider.ping", "provider_busy", 0.1),
    "count_neon_request": lambda m: m.count_neon_request("GET", "done", 0.1),
    "count_retry": lambda m: m.count_retry("provider_busy"),
    "count_wait": lambda m: m.count_wait(Lock.TENANT, 0.1),
    "set_queue_length": lambda m: m.set_queue_length(3),
    "count_queue_refusal": lambda m: m.count_queue_refusal(),
    "count_reconciliation": lambda m: m.count_reconciliation("done", NOON),
    "count_reconciler_task": lambda m: m.count_reconciler_task(ReconcileAction.EXPIRE, "done"),
    "set_unresolved": lambda m: m.set_unresolved({ReconcileAction.REPORT_MISSING: 2}),
    "set_sizes": lambda m: m.set_sizes([10, 30]),
    "count_ending": lambda m: m.count_ending(Reason.OLD, "done"),
    "set_guard": lambda m: m.set_guard(**GUARD),
    "set_sample": lambda m: m.set_sample(SAMPLE),
    "count_delivery": lambda m: m.count_delivery("done", 0.1),
    "count_export": lambda m: m.count_export("done", 0.1),
}
"""A use of each method."""


def use_every_metric(metrics: Metrics) -> None:
    for use in USES.values():
        use(metrics)


def parse_metrics(text: str) -> Mapping[Series, float]:
    """Return the values of all time series but for the buckets of histograms."""
    return dict(_read_samples(text))


def read_metrics(report: MetricsReport, name: str) -> Mapping[tuple[str, ...], float]:
    """Return the values of the time series of that name, by their labels."""
    series = parse_metrics(report.render("").body.decode())
    return {each[1:]: value for each, value in series.items() if each[0] == name}


def _read_samples(text: str) -> Iterator[tuple[Series, float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if "le" not in sample.labels:
                labels = sorted(f"{name}={value}" for name, value in sample.labels.items())
                yield (sample.name, *labels), sample.value
