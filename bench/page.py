"""`python -m bench.page`: write docs/performance.md and its plots from the results."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.plots import THEMES, draw
from bench.results import Check, Report
from bench.scenarios import SCENARIOS, Scenario
from bench.tables import HEADS, TEXT_COLUMNS, format_cells, format_check

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
FOLDER = DOCS / "performance"
RESULTS = Path(".bench/results.json")

MARKERS = ("<!-- generated: begin -->\n\n", "\n<!-- generated: end -->\n")
NO_PLOT = "number"
"""The unit of reports whose rows have different units."""

Content = Mapping[str, Any]
"""The results of all scenarios, as in the file."""


def main(
    source: Annotated[Path, typer.Option("--json", help="The results to publish.")] = RESULTS,
) -> None:
    """Add the results to those in the docs, and write the page and its plots."""
    published = FOLDER / "results.json"
    known = json.loads(published.read_text()) if published.exists() else {}
    content = known | json.loads(source.read_text())
    FOLDER.mkdir(exist_ok=True)
    published.write_text(json.dumps(content, indent=1) + "\n")
    for name, text in render_plots(content).items():
        (FOLDER / name).write_text(text)
    PAGE.write_text(replace_section(PAGE.read_text(), render_section(content)))


def render_plots(content: Content) -> Mapping[str, str]:
    """Return the text of each file of a plot."""
    return {
        f"{name}-{theme}.svg": draw(report, colors)
        for name, report in _reports(content)
        if report.unit != NO_PLOT
        for theme, colors in THEMES.items()
    }


def render_section(content: Content) -> str:
    """Return the generated part of the page."""
    parts = [
        _render_scenario(name, SCENARIOS[name], report, content[name])
        for name, report in _reports(content)
    ]
    return "\n".join(parts)


def replace_section(page: str, section: str) -> str:
    begin, end = MARKERS
    before, _, rest = page.partition(begin)
    return f"{before}{begin}{section}{end}{rest.partition(end)[2]}"


def _reports(content: Content) -> Iterator[tuple[str, Report]]:
    """Yield the reports in the order of the scenarios."""
    for name in SCENARIOS:
        if name in content:
            yield name, Report.from_json(content[name]["report"])


def _render_scenario(name: str, scenario: Scenario, report: Report, facts: Content) -> str:
    parts = [f"### {scenario.title}", scenario.description]
    if report.unit != NO_PLOT:
        parts.append(_render_picture(name, scenario.title))
    parts += [_render_table(report), _render_checks(report.checks), _render_facts(facts, report)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _render_picture(name: str, title: str) -> str:
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" '
        f'srcset="performance/{name}-dark.svg">'
        f'<img src="performance/{name}-light.svg" alt="{title}: the medians of the table below, '
        f'with the 10th and 90th percentiles"></picture>'
    )


def _render_table(report: Report) -> str:
    aligned = ["---"] * TEXT_COLUMNS + ["---:"] * (len(HEADS) - TEXT_COLUMNS)
    heads = [f"{head} ({report.unit})" if head == "median" else head for head in HEADS]
    lines = [heads, aligned, *map(format_cells, report.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _render_checks(checks: Sequence[Check]) -> str:
    return "\n".join(f"- {format_check(check)}" for check in checks)


def _render_facts(facts: Content, report: Report) -> str:
    """Return the machine, the versions and the counts of the run."""
    counts = {"size": facts["size"], "seconds": facts["seconds"], **report.parameters}
    named = [f"{name} {value}" for name, value in {**facts["machine"], **counts}.items()]
    return "Measured: " + "; ".join(named) + "."


if __name__ == "__main__":
    typer.run(main)
