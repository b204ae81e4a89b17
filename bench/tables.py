"""Reports as tables for a terminal."""

from collections.abc import Sequence

from bench.results import Check, Report, Row

HEADS = (
    *("method", "setting", "count", "median", "p10", "p90", "max"),
    *("per s", "ratio", "quartiles", "remark"),
)
TEXT_COLUMNS = 2


def format_report(title: str, report: Report) -> str:
    lines = [HEADS, *map(format_cells, report.rows)]
    verdicts = map(format_check, report.checks)
    return "\n".join([f"{title} ({report.unit})", *_align(lines), *verdicts])


def format_cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row, in the order of HEADS."""
    figures = map(format_number, (row.median, row.p10, row.p90, row.maximum, row.per_second))
    quartiles = row.ratio_spread
    return (
        row.method,
        row.setting,
        str(row.count),
        *figures,
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{quartiles[0]:.2f}-{quartiles[1]:.2f}" if quartiles else "",
        row.remark,
    )


def format_check(check: Check) -> str:
    bound = "at least" if check.at_least else "at most"
    verdict = "yes" if check.passes else "NO"
    return f"{verdict:3} {check.claim}: {check.value:.3g} ({bound} {check.limit:g})"


def format_number(value: float | None) -> str:
    """Return the number with three digits or more."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _align(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [_align_line(line, widths) for line in lines]


def _align_line(line: Sequence[str], widths: Sequence[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
    return "  ".join(texts[:TEXT_COLUMNS] + numbers[TEXT_COLUMNS:]).rstrip()
