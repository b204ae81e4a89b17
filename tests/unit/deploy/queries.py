"""The queries of the dashboard and of the alerts, taken apart."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser
import yaml  # type: ignore[import-untyped] # its types are a separate package

from tests.support.service import REPOSITORY

DASHBOARD = REPOSITORY / "deploy/grafana.json"
ALERTS = REPOSITORY / "deploy/alerts.yml"

VARIABLES = {"$__rate_interval": "5m", "$job": "pgvend", "$instance": ".+"}
"""Grafana replaces them."""

_CHILDREN = ("expr", "lhs", "rhs", "vector_selector", "param")


@dataclass(frozen=True)
class Query:
    """A query. `shown` has the labels in its legend or its texts."""

    name: str
    text: str
    shown: frozenset[str]

    @property
    def selectors(self) -> Sequence[promql_parser.VectorSelector]:
        nodes = _walk(promql_parser.parse(self.text))
        return [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]

    @property
    def grouped(self) -> frozenset[str]:
        """The labels that it groups by."""
        nodes = _walk(promql_parser.parse(self.text))
        found = [node for node in nodes if isinstance(node, promql_parser.AggregateExpr)]
        return frozenset(label for node in found if node.modifier for label in node.modifier.labels)


def list_panel_queries() -> list[Query]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        Query(f"{panel['title']}: {target['refId']}", _fill(target["expr"]), _names_in(legend))
        for panel in panels
        for target in panel.get("targets", [])
        if (legend := target["legendFormat"])
    ]


def list_alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def list_alert_queries() -> list[Query]:
    return [
        Query(each["alert"], each["expr"], _names_in(each["annotations"]["summary"]))
        for each in list_alerts()
    ]


def _fill(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def _names_in(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"{{ *(?:\$labels\.)?([a-z]+) *}}", text))


def _walk(node: Any) -> Iterator[Any]:
    yield node
    children = [getattr(node, name, None) for name in _CHILDREN]
    for child in [*children, *getattr(node, "args", [])]:
        if child is not None:
            yield from _walk(child)
