"""The report: a row for each method, with its ratio to bare SQL in the same run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.neon import LIMIT as NEON_LIMIT
from bench.neon import Burst
from bench.rounds import Results

LIMIT = 1.25
"""The maximum ratio of a creation over HTTP to one by bare SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    method: str
    concurrency: int
    median_ms: float
    p90_ms: float
    creations_per_second: float
    ratio: float
    """To the first method at the same concurrency; see `Measurement.ratio_to`."""


def create_rows(results: Results) -> list[Row]:
    baseline, _ = next(iter(results))
    return [
        Row(
            method=method,
            concurrency=concurrency,
            median_ms=round(median(result.creations) * 1000, 1),
            p90_ms=round(result.p90 * 1000, 1),
            creations_per_second=round(result.rate, 1),
            ratio=round(result.ratio_to(results[baseline, concurrency]), 3),
        )
        for (method, concurrency), result in results.items()
    ]


def format_table(rows: Sequence[Row]) -> str:
    head = f"{'method':10} {'at once':>7} {'median ms':>10} {'p90 ms':>8} {'per s':>8} {'ratio':>6}"
    return "\n".join([head, *(_format_row(row) for row in rows)])


def _format_row(row: Row) -> str:
    return (
        f"{row.method:10} {row.concurrency:7} {row.median_ms:10.1f} {row.p90_ms:8.1f} "
        f"{row.creations_per_second:8.1f} {row.ratio:6.2f}"
    )


def check_limit(rows: Sequence[Row], method: str) -> Mapping[int, bool]:
    """Return whether `method` is within the limit, by concurrency."""
    return {row.concurrency: row.ratio <= LIMIT for row in rows if row.method == method}


def format_verdict(within: Mapping[int, bool], method: str) -> str:
    parts = (f"{'yes' if fits else 'NO'} at {many}" for many, fits in within.items())
    return f"{method} within {LIMIT} times bare SQL: {', '.join(parts)}"


def format_burst_table(bursts: Sequence[Burst]) -> str:
    head = (
        f"{'Neon':10} {'at once':>7} {'seconds':>10} {'serial':>8} {'calls':>8} {'423s':>6} ratio"
    )
    return "\n".join([head, *map(_format_burst, bursts)])


def _format_burst(burst: Burst) -> str:
    return (
        f"{'emulator':10} {burst.creations:7} {burst.elapsed:10.1f} {burst.serial:8.1f} "
        f"{burst.requests:8} {burst.refusals:6} {burst.ratio:5.3f}"
    )


def format_burst_verdict(bursts: Sequence[Burst]) -> str:
    parts = (f"{'yes' if burst.fits else 'NO'} at {burst.creations}" for burst in bursts)
    return f"Neon within {NEON_LIMIT} times its operations: {', '.join(parts)}"
