"""The numbers as rows, and the one that counts: each against bare SQL in the same run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.neon import LIMIT as NEON_LIMIT
from bench.neon import Crowd
from bench.rounds import Results

LIMIT = 1.25
"""How many times as long as by bare SQL a vend over HTTP may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    subject: str
    concurrency: int
    median_ms: float
    p90_ms: float
    vends_per_second: float
    ratio: float
    """To the first subject at the same concurrency; see `Measured.ratio_to`."""


def rows_of(results: Results) -> list[Row]:
    baseline, _ = next(iter(results))
    return [
        Row(
            subject=subject,
            concurrency=concurrency,
            median_ms=round(median(measured.vends) * 1000, 1),
            p90_ms=round(measured.p90 * 1000, 1),
            vends_per_second=round(measured.rate, 1),
            ratio=round(measured.ratio_to(results[baseline, concurrency]), 3),
        )
        for (subject, concurrency), measured in results.items()
    ]


def table(rows: Sequence[Row]) -> str:
    head = (
        f"{'subject':10} {'at once':>7} {'median ms':>10} {'p90 ms':>8} {'vends/s':>8} {'ratio':>6}"
    )
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    return (
        f"{row.subject:10} {row.concurrency:7} {row.median_ms:10.1f} {row.p90_ms:8.1f} "
        f"{row.vends_per_second:8.1f} {row.ratio:6.2f}"
    )


def within_limit(rows: Sequence[Row], subject: str) -> Mapping[int, bool]:
    """By concurrency: does `subject` keep to the limit?"""
    return {row.concurrency: row.ratio <= LIMIT for row in rows if row.subject == subject}


def verdict(within: Mapping[int, bool], subject: str) -> str:
    told = (f"{'yes' if fits else 'NO'} at {many}" for many, fits in within.items())
    return f"{subject} within {LIMIT} times bare SQL: {', '.join(told)}"


def crowd_table(crowds: Sequence[Crowd]) -> str:
    head = (
        f"{'Neon':10} {'at once':>7} {'seconds':>10} {'serial':>8} {'asked':>8} {'423s':>6} ratio"
    )
    return "\n".join([head, *map(_crowd_line, crowds)])


def _crowd_line(crowd: Crowd) -> str:
    return (
        f"{'emulator':10} {crowd.vends:7} {crowd.elapsed:10.1f} {crowd.serial:8.1f} "
        f"{crowd.requests:8} {crowd.refusals:6} {crowd.ratio:5.3f}"
    )


def crowd_verdict(crowds: Sequence[Crowd]) -> str:
    told = (f"{'yes' if crowd.fits else 'NO'} at {crowd.vends}" for crowd in crowds)
    return f"Neon within {NEON_LIMIT} times its operations: {', '.join(told)}"
