"""Reports as plots: a bar for each row with its spread, in SVG for light and dark pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from xml.sax.saxutils import escape

from bench.results import Report, Row
from bench.tables import format_number

WIDTH, BARS_LEFT, BARS_RIGHT = 760, 230, 640
LINE, HEAD, MARGIN, BAR = 24, 30, 12, 14


@dataclass(frozen=True)
class Theme:
    text: str
    quiet: str
    """The color of headings and spreads."""
    bars: Sequence[str]
    """A color for each method."""


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        "#1f2328",
        "#59636e",
        ("#0969da", "#bf8700", "#1a7f37", "#8250df", "#bc4c00", "#57606a"),
    ),
    "dark": Theme(
        "#f0f6fc",
        "#9198a1",
        ("#4493f8", "#d29922", "#3fb950", "#ab7df8", "#db6d28", "#8b949e"),
    ),
}


def draw(report: Report, theme: Theme) -> str:
    """Return the plot: a heading for each setting, and below it a bar for each method."""
    scale = (BARS_RIGHT - BARS_LEFT) / (max(row.p90 for row in report.rows) or 1)
    methods = list(dict.fromkeys(row.method for row in report.rows))
    colors = {name: theme.bars[i % len(theme.bars)] for i, name in enumerate(methods)}
    parts, top = list[str](), float(MARGIN)
    for setting, rows in groupby(report.rows, key=attrgetter("setting")):
        parts.append(_text(MARGIN, top + LINE - 6, setting, theme.quiet, "600"))
        top += HEAD
        for row in rows:
            parts += _draw_row(row, report.unit, top, scale, colors[row.method], theme)
            top += LINE
    return _frame(top + MARGIN, parts)


def _draw_row(
    row: Row, unit: str, top: float, scale: float, color: str, theme: Theme
) -> Iterator[str]:
    middle, begin, end = top + LINE / 2, BARS_LEFT, BARS_LEFT + row.median * scale
    low, high = BARS_LEFT + row.p10 * scale, BARS_LEFT + row.p90 * scale
    yield _text(BARS_LEFT - 10, middle + 4, row.method, theme.text, anchor="end")
    yield (
        f'<rect x="{begin}" y="{middle - BAR / 2:.1f}" width="{max(end - begin, 1):.1f}" '
        f'height="{BAR}" rx="2" fill="{color}"/>'
    )
    yield (
        f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 4:.1f}v8'
        f'M{high:.1f} {middle - 4:.1f}v8" stroke="{theme.quiet}" fill="none"/>'
    )
    label = f"{format_number(row.median)} {unit}"
    yield _text(max(end, high) + 8, middle + 4, label, theme.text)


def _text(
    x: float, y: float, text: str, color: str, weight: str = "400", anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _frame(height: float, parts: Sequence[str]) -> str:
    lines = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13">\n{lines}\n</svg>\n'
    )
