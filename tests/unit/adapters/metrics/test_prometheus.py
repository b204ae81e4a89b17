"""Metrics as Prometheus gets them."""

import inspect
import re

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from adapters.metrics.catalog import CATALOG, Kind, Spec
from adapters.metrics.prometheus import PrometheusMetrics
from ports.driven.metrics import CreationPath, Metrics, Sample
from tests.support.metrics import NOON, USES, read_metrics, use_every_metric


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


@pytest.fixture
def used(metrics: PrometheusMetrics) -> PrometheusMetrics:
    use_every_metric(metrics)
    return metrics


def test_every_method_is_implemented() -> None:
    methods = {name for name, _ in inspect.getmembers(Metrics, inspect.isfunction)}
    assert methods == USES.keys()
    assert methods <= vars(PrometheusMetrics).keys()


def test_every_metric_has_series_with_its_labels_once_it_is_used(used: PrometheusMetrics) -> None:
    text = used.render("").body.decode()
    found = {
        sample.name: set(sample.labels) - {"le"}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("pgvend_")
    }
    assert found == {name: set(spec.labels) for spec in CATALOG for name in spec.series_names}


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_names_follow_the_conventions(spec: Spec) -> None:
    """https://prometheus.io/docs/practices/naming/"""
    assert re.fullmatch(r"pgvend(_[a-z]+)+", spec.name)
    assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER)
    assert (spec.name.rsplit("_", 1)[1] == "seconds") or spec.kind is not Kind.HISTOGRAM
    assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM)
    assert list(spec.buckets) == sorted(set(spec.buckets))
    assert sum(each.name == spec.name for each in CATALOG) == 1


def test_gauges_that_nobody_set_are_absent(metrics: PrometheusMetrics) -> None:
    """A 0 would say that there are no databases, before anyone counted them."""
    text = metrics.render("").body.decode()
    assert "pgvend_databases" not in text
    assert "pgvend_part_up" not in text


def test_a_sample_replaces_the_one_before(used: PrometheusMetrics) -> None:
    assert read_metrics(used, "pgvend_databases") == {("state=ready",): 3, ("state=expired",): 0}
    assert read_metrics(used, "pgvend_part_up") == {("part=registry",): 1, ("part=provider",): 0}
    assert read_metrics(used, "pgvend_spares_ready") == {("template=shop",): 2}

    used.set_sample(Sample(at=NOON, health={"registry": False}))

    assert read_metrics(used, "pgvend_databases") == {}
    assert read_metrics(used, "pgvend_part_up") == {("part=registry",): 0}
    assert read_metrics(used, "pgvend_spares_ready") == {}
    assert read_metrics(used, "pgvend_sample_timestamp_seconds") == {(): NOON.timestamp()}


def test_a_creation_that_failed_has_no_duration(metrics: PrometheusMetrics) -> None:
    metrics.count_creation(CreationPath.COLD, "provider_full", 9)
    assert read_metrics(metrics, "pgvend_creation_duration_seconds_count") == {}
    assert read_metrics(metrics, "pgvend_creations_total") == {
        ("outcome=provider_full", "path=cold"): 1
    }


def test_a_step_that_failed_has_a_duration_and_an_error(metrics: PrometheusMetrics) -> None:
    metrics.count_step("provider.ping", "done", 2)
    metrics.count_step("provider.ping", "provider_busy", 3)
    of_step = ("step=provider.ping",)
    assert read_metrics(metrics, "pgvend_step_duration_seconds_sum") == {of_step: 5}
    assert read_metrics(metrics, "pgvend_step_errors_total") == {
        ("error=provider_busy", *of_step): 1
    }


def test_a_stream_is_counted_without_a_duration(metrics: PrometheusMetrics) -> None:
    metrics.count_request("GET", "/v1/events", 200)
    assert len(read_metrics(metrics, "pgvend_http_requests_total")) == 1
    assert read_metrics(metrics, "pgvend_http_request_duration_seconds_count") == {}


def test_only_a_run_that_succeeded_changes_the_time_of_success(
    metrics: PrometheusMetrics,
) -> None:
    metrics.count_reconciliation("unavailable", NOON)
    assert read_metrics(metrics, "pgvend_reconciler_last_success_timestamp_seconds") == {}
    metrics.count_reconciliation("done", NOON)
    assert read_metrics(metrics, "pgvend_reconciler_last_success_timestamp_seconds") == {
        (): NOON.timestamp()
    }


def test_sizes_are_shown_together_and_of_the_largest(used: PrometheusMetrics) -> None:
    assert read_metrics(used, "pgvend_databases_size_bytes") == {(): 40}
    assert read_metrics(used, "pgvend_largest_database_size_bytes") == {(): 30}
    assert read_metrics(used, "pgvend_databases_measured") == {(): 2}


def test_what_the_guard_does_not_know_is_absent(used: PrometheusMetrics) -> None:
    assert read_metrics(used, "pgvend_guard_concern")["concern=disk",] == 1
    assert read_metrics(used, "pgvend_guard_concern")["concern=connections",] == 0
    assert read_metrics(used, "pgvend_server_disk_free_bytes") == {(): 5}

    used.set_guard(is_watching=False, concerns=(), oldest_age=None, connections=None, disk=None)

    assert read_metrics(used, "pgvend_guard_watching") == {(): 0}
    assert read_metrics(used, "pgvend_server_oldest_transaction_id_age") == {}
    assert read_metrics(used, "pgvend_server_disk_free_bytes") == {}


def test_the_process_is_measured(metrics: PrometheusMetrics) -> None:
    assert read_metrics(metrics, "process_resident_memory_bytes")[()] > 0


def test_openmetrics_are_sent_to_those_who_ask(used: PrometheusMetrics) -> None:
    exposition = used.render("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert exposition.content_type.startswith("application/openmetrics-text")
    assert list(parse_openmetrics(exposition.body.decode()))  # type: ignore[no-untyped-call]
    assert used.render("").content_type.startswith("text/plain; version=0.0.4")


def test_services_of_one_process_have_metrics_of_their_own(used: PrometheusMetrics) -> None:
    assert read_metrics(PrometheusMetrics(), "pgvend_retries_total") == {}
