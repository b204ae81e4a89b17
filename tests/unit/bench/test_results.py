"""Rows, checks and tables."""

import json

import pytest

from bench.results import Check, Report, Row
from bench.tables import format_check, format_number, format_report

ROWS = [
    Row.from_seconds("bare SQL", "1 at once", [0.1, 0.2, 0.3], per_second=5.0, ratio=1.0),
    Row.from_seconds("HTTP", "1 at once", [0.2], ratio=1.25, ratio_spread=(1.0, 1.5)),
]
CHECKS = [Check(claim="HTTP", value=1.25, limit=1.15)]
REPORT = Report(rows=ROWS, checks=CHECKS, parameters={"rounds": 3})


def test_a_row_has_the_median_the_spread_and_the_count_in_milliseconds() -> None:
    row = Row.from_seconds("a", "b", [number / 1000 for number in range(101)])
    figures = (row.count, row.median, row.p10, row.p90, row.maximum)
    assert figures == pytest.approx((101, 50, 10, 90, 100))


def test_a_row_of_one_value_has_no_spread() -> None:
    assert (ROWS[1].p10, ROWS[1].p90) == (200, 200)


def test_a_report_is_the_same_after_json() -> None:
    assert Report.from_json(json.loads(json.dumps(REPORT.to_json()))) == REPORT


@pytest.mark.parametrize(
    ("value", "at_least", "passes"),
    [(1.5, False, True), (1.51, False, False), (1.5, True, True), (1.49, True, False)],
)
def test_a_limit_may_be_reached(value: float, at_least: bool, passes: bool) -> None:
    check = Check(claim="a", value=value, limit=1.5, at_least=at_least)
    assert check.passes is passes
    assert format_check(check).startswith("yes" if passes else "NO ")


def test_a_table_has_a_line_for_each_row_and_each_check() -> None:
    assert format_report("Cold", REPORT).splitlines() == [
        "Cold (ms)",
        "method    setting    count  median  p10  p90  max  per s  ratio  quartiles  remark",
        "bare SQL  1 at once      3     200  120  280  300      5   1.00",
        "HTTP      1 at once      1     200  200  200  200          1.25  1.00-1.50",
        "NO  HTTP: 1.25 (at most 1.15)",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1234")]
)
def test_a_number_has_three_digits_at_least(value: float | None, text: str) -> None:
    assert format_number(value) == text
