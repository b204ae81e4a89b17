"""The dashboard and the alerts ask for metrics, labels and values that exist."""

import re
from collections.abc import Mapping
from operator import attrgetter

import pytest

from adapters.metrics.catalog import CATALOG
from domain.errors import PgvendError
from entrypoints.http.api.routes.table import ROUTES
from ports.driven.metrics import CANCELLED, DONE, INTERNAL_ERROR, CreationPath
from tests.support.service import REPOSITORY
from tests.unit.deploy.queries import (
    Query,
    list_alert_queries,
    list_alerts,
    list_panel_queries,
)

OF_TARGET = {"job", "instance"}
"""Prometheus adds them to each time series."""

PROCESS = ("resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds")

LABELS: Mapping[str, set[str]] = {
    **{
        series: {*spec.labels, *OF_TARGET, *({"le"} if series.endswith("_bucket") else ())}
        for spec in CATALOG
        for series in spec.series_names
    },
    **{f"process_{name}": OF_TARGET for name in PROCESS},
    "up": OF_TARGET,
}
"""The labels of each time series."""


def _list_codes(kind: type[PgvendError]) -> set[str]:
    return {kind.code}.union(*map(_list_codes, kind.__subclasses__()))


VALUES: Mapping[str, set[str]] = {
    "route": {route.path for route in ROUTES},
    "outcome": {DONE, CANCELLED, INTERNAL_ERROR, *_list_codes(PgvendError)},
    "path": set(CreationPath),
    "status": {"200", "404", "500", "503"},
    "job": {"pgvend"},
    "instance": {"pgvend.example:8000"},
}
"""Values of the labels by which queries select."""

UNUSED = {"pgvend_databases_measured", "pgvend_export_duration_seconds"}
"""Metrics that neither the dashboard nor an alert shows."""

QUERIES = [*list_panel_queries(), *list_alert_queries()]

each_query = pytest.mark.parametrize("query", QUERIES, ids=attrgetter("name"))


@each_query
def test_a_query_asks_for_metrics_and_labels_that_exist(query: Query) -> None:
    assert query.selectors
    known = set().union(*(LABELS[selector.name or ""] for selector in query.selectors))
    for selector in query.selectors:
        matched = {matcher.name for matcher in selector.matchers.matchers}
        assert matched <= LABELS[selector.name or ""]
    assert query.grouped <= known
    assert query.shown <= known - {"le"} | {"version"}


@each_query
def test_a_query_selects_by_values_that_exist(query: Query) -> None:
    for selector in query.selectors:
        for matcher in selector.matchers.matchers:
            is_pattern = "~" in str(matcher.op) or "Re" in str(matcher.op)
            values = matcher.value.split("|") if is_pattern else [re.escape(matcher.value)]
            for value in values:
                assert any(re.fullmatch(value, known) for known in VALUES[matcher.name]), value


@each_query
def test_what_a_query_shows_of_a_group_is_what_it_groups_by(query: Query) -> None:
    if query.grouped:
        assert query.shown <= query.grouped


def test_every_metric_is_shown() -> None:
    shown = {selector.name for query in QUERIES for selector in query.selectors}
    missing = {spec.name for spec in CATALOG if not shown & set(spec.series_names)}
    assert missing == UNUSED


def test_every_alert_says_how_severe_it_is_and_what_to_do() -> None:
    page = (REPOSITORY / "docs/operations/monitoring.md").read_text()
    names = [alert["alert"] for alert in list_alerts()]
    assert re.findall(r"^\| `(Pgvend\w+)` \|", page, re.MULTILINE) == names
    assert {alert["labels"]["severity"] for alert in list_alerts()} == {"critical", "warning"}


@pytest.mark.parametrize("route", ["/livez", "/readyz", "/metrics"])
def test_probes_are_no_requests_of_callers(route: str) -> None:
    """A service that only answers its probes has no requests that can fail."""
    [query] = [each for each in QUERIES if each.name == "PgvendServerErrors"]
    for selector in query.selectors:
        [matcher] = [each for each in selector.matchers.matchers if each.name == "route"]
        assert route in matcher.value.split("|")
