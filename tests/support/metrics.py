"""Metrics, as Prometheus reads them."""

from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from ports.driven.metrics import MetricsReport

Series = tuple[str, ...]
"""The name of a time series, followed by its labels: `status=200`."""


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
