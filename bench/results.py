"""The results of a scenario: rows with their spread, and checks of limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The measurements of one method in one setting, in the unit of the report."""

    method: str
    setting: str
    count: int
    median: float
    p10: float
    p90: float
    maximum: float
    per_second: float | None = None
    ratio: float | None = None
    """To the baseline in the same setting."""
    ratio_spread: tuple[float, float] | None = None
    """The quartiles of the ratio over the rounds."""
    remark: str = ""

    @classmethod
    def from_values(cls, method: str, setting: str, values: Sequence[float], **more: Any) -> Self:
        """Return the row of these values, of which there is at least one."""
        low, high = spread(values, parts=10)
        return cls(
            method=method,
            setting=setting,
            count=len(values),
            median=median(values),
            p10=low,
            p90=high,
            maximum=max(values),
            **more,
        )

    @classmethod
    def from_seconds(cls, method: str, setting: str, times: Sequence[float], **more: Any) -> Self:
        """Return the row of these times, in milliseconds."""
        return cls.from_values(method, setting, [time * 1000 for time in times], **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A limit of a measured value: a maximum, or a minimum with `at_least`."""

    claim: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def passes(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True, kw_only=True)
class Report:
    """The results of a scenario. `parameters` are the counts of this run."""

    rows: Sequence[Row]
    checks: Sequence[Check] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "ms"

    def to_json(self) -> dict[str, Any]:
        checks = [asdict(check) | {"passes": check.passes} for check in self.checks]
        return asdict(self) | {"checks": checks}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        rows = [Row(**row | {"ratio_spread": _pair(row)}) for row in content["rows"]]
        checks = [
            Check(**{name: value for name, value in check.items() if name != "passes"})
            for check in content["checks"]
        ]
        return cls(**{**content, "rows": rows, "checks": checks})


def spread(values: Sequence[float], parts: int) -> tuple[float, float]:
    """Return the first and the last of the points that divide the values into equal parts."""
    if len(values) < 2:
        return values[0], values[0]
    points = quantiles(values, n=parts, method="inclusive")
    return points[0], points[-1]


def find_row(rows: Sequence[Row], method: str, setting: str) -> Row:
    return next(row for row in rows if (row.method, row.setting) == (method, setting))


def _pair(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the quartiles, which are a list in JSON."""
    return tuple(row["ratio_spread"]) if row["ratio_spread"] else None
