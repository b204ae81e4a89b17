"""Gauges that exist only while their values are known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.metrics.catalog import Spec


class Gauges(Collector):
    """The library's own gauges start at 0, which would say that there are no databases before
    anyone counted them."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self._specs = specs
        self._series: dict[str, list[tuple[tuple[str, ...], float]]] = {}

    def set(self, spec: Spec, value: float | None) -> None:
        """Set a gauge without labels; None is unknown."""
        self._series[spec.name] = [] if value is None else [((), value)]

    def replace(self, spec: Spec, values: Mapping[str, float]) -> None:
        """Set the series of a gauge with one label, by its values; others are gone."""
        self._series[spec.name] = [((label,), value) for label, value in values.items()]

    def collect(self) -> Iterator[Metric]:
        for spec in self._specs:
            if series := self._series.get(spec.name):
                yield _create_family(spec, series)


def _create_family(spec: Spec, series: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(spec.name, spec.meaning, labels=spec.labels)
    for labels, value in series:
        family.add_metric(labels, value)
    return family
