"""The page of results and its plots."""

import json
from xml.etree import ElementTree

import pytest

from bench import page
from bench.plots import BARS_RIGHT, THEMES, draw
from bench.results import Check, Report, Row
from bench.scenarios import SCENARIOS

PUBLISHED = page.FOLDER / "results.json"

ROWS = [
    Row.from_values("<SQL>", "1 at once", [1.0, 2.0, 3.0]),
    Row.from_values("HTTP", "1 at once", [4.0]),
    Row.from_values("HTTP", "8 at once", [8.0, 9.0]),
]
CHECK = Check(claim="HTTP, times SQL", value=1.0, limit=1.15)
FACTS = {"machine": {"Python": "3.11"}, "size": "quick", "seconds": 5}


def stored(unit: str = "ms") -> dict[str, object]:
    report = Report(rows=ROWS, checks=[CHECK], parameters={"spares": 4}, unit=unit)
    return {"cold": {**FACTS, "report": report.to_json()}}


def parse(plot: str) -> ElementTree.Element:
    return ElementTree.fromstring(plot)  # noqa: S314 - it was just drawn


@pytest.mark.parametrize("theme", THEMES)
def test_a_plot_has_a_bar_for_each_row_and_a_heading_for_each_setting(theme: str) -> None:
    plot = parse(draw(Report(rows=ROWS), THEMES[theme]))
    texts = [each.text for each in plot.iter("{http://www.w3.org/2000/svg}text")]

    assert len(list(plot.iter("{http://www.w3.org/2000/svg}rect"))) == len(ROWS)
    assert [text for text in texts if text and "at once" in text] == ["1 at once", "8 at once"]
    assert "<SQL>" in texts
    assert "8.5 ms" in texts


def test_bars_and_their_spread_stay_inside_the_plot() -> None:
    plot = parse(draw(Report(rows=ROWS), THEMES["light"]))
    rights = [
        float(bar.attrib["x"]) + float(bar.attrib["width"])
        for bar in plot.iter("{http://www.w3.org/2000/svg}rect")
    ]
    spreads = [
        float(each.attrib["d"].partition("H")[2].partition("M")[0])
        for each in plot.iter("{http://www.w3.org/2000/svg}path")
    ]
    assert max(*rights, *spreads) == BARS_RIGHT < float(plot.attrib["width"])


def test_the_section_has_the_figures_the_checks_and_the_machine() -> None:
    section = page.render_section(stored())
    assert "### Cold creation" in section
    assert "| HTTP | 8 at once | 2 | 8.5 |" in section
    assert "- yes HTTP, times SQL: 1 (at most 1.15)" in section
    assert "Python 3.11; size quick; seconds 5; spares 4." in section


def test_the_section_shows_each_plot_to_light_and_to_dark_pages() -> None:
    content = stored()
    section = page.render_section(content)
    assert set(page.render_plots(content)) == {"cold-light.svg", "cold-dark.svg"}
    assert all(f'"performance/{name}"' in section for name in page.render_plots(content))


def test_a_report_without_one_unit_has_no_plot() -> None:
    content = stored(unit="number")
    assert not page.render_plots(content)
    assert "<picture>" not in page.render_section(content)


def test_only_the_generated_part_of_the_page_is_replaced() -> None:
    begin, end = page.MARKERS
    text = f"before\n{begin}old{end}after\n"
    assert page.replace_section(text, "new") == f"before\n{begin}new{end}after\n"


def test_the_published_page_and_its_plots_come_from_the_published_results() -> None:
    content = json.loads(PUBLISHED.read_text()) if PUBLISHED.exists() else {}
    text = page.PAGE.read_text()
    assert page.replace_section(text, page.render_section(content)) == text, "run `make bench-docs`"
    plots = {file.name: file.read_text() for file in page.FOLDER.glob("*.svg")}
    assert plots == page.render_plots(content), "run `make bench-docs`"


def test_every_scenario_says_what_it_compares() -> None:
    assert all(each.title and each.description.endswith(".") for each in SCENARIOS.values())
    assert [name for name, each in SCENARIOS.items() if each.is_optional] == ["soak"]
