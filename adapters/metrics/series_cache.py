"""Series of a metric by the values of their labels."""

from typing import Generic, TypeVar

from prometheus_client import Counter, Histogram

M = TypeVar("M", Counter, Histogram)


class SeriesCache(Generic[M]):
    """The library finds the series of labels again for each count, which costs more than the count
    itself. There are few series: no label has a value of a caller."""

    def __init__(self, metric: M) -> None:
        self._metric: M = metric
        self._series: dict[tuple[str, ...], M] = {}

    def find(self, labels: tuple[str, ...]) -> M:
        """Return the series with these labels, and create it if it is new."""
        series = self._series.get(labels)
        if series is None:
            series = self._metric.labels(*labels) if labels else self._metric
            self._series[labels] = series
        return series
