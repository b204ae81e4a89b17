"""The reference pages say what the code says."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import typer

from adapters.metrics.catalog import CATALOG, Spec
from domain.errors import PgvendError
from domain.sizes import SizeLimit, format_size
from entrypoints.cli.app import COMMANDS, Commands
from entrypoints.config.secret_files import FILE_VARIABLES
from entrypoints.http.api.openapi import create_document
from entrypoints.http.api.problems import (
    CODES,
    HTTP_ERROR,
    INTERNAL_ERROR,
    Misdirected,
    find_status,
)
from entrypoints.http.api.routes.table import ROUTES
from tests.support.service import REPOSITORY
from tests.support.settings import NAMES, SETTINGS, Setting
from tests.unit.docs.pages import DOCS, cell, check_rows, check_section

REFERENCE = DOCS / "reference"
GUIDE = REPOSITORY / "entrypoints/http/api/page/llms.txt"
PAGES = (REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md")))

_BRACES = str.maketrans("", "", "{}")
"""Removes the braces that Typer writes around a required argument."""

_VARIABLE = re.compile(r"\b(?:PGVEND|NEON)_[A-Z_]+[A-Z]\b")
_COMMAND = re.compile(r"(?:^|[`/(]|[$] |=\S+ )pgvend ([a-z][a-z-]+)", re.MULTILINE)

FOREIGN_VARIABLES = {"NEON_API_HOST", "NEON_OPENAPI", "PGVEND_PORT"}
"""Neon's command line's, the tests', and one that Kubernetes sets."""


def test_the_settings_page_lists_every_setting() -> None:
    rows = {name: [_default(field.default), cell(field.description)] for name, field in _settings()}
    check_rows(REFERENCE / "settings.md", "Name", rows)


def test_the_settings_page_lists_every_variable_of_a_file() -> None:
    rows = {variable: [f"`{secret}`"] for variable, secret in FILE_VARIABLES.items()}
    check_rows(REFERENCE / "settings.md", "File variable", rows)


def test_the_metrics_page_lists_every_metric() -> None:
    rows = [
        f"| `{spec.name}` | {spec.kind} | {_labels(spec)} | {cell(spec.meaning)} |"
        for spec in CATALOG
    ]
    head = "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n"
    check_section(REFERENCE / "metrics.md", head + "\n".join(rows) + "\n")


def test_the_errors_page_lists_every_code() -> None:
    documented = set(_codes(create_document(ROUTES, is_open=False)))
    errors = {error.code: error for error in _subclasses(PgvendError)}
    known = {code: errors[code] for code in documented & errors.keys()}
    known |= {Misdirected.code: Misdirected}

    rows = {code: _error_cells(error) for code, error in known.items()}
    rows |= {code: [str(status), "no"] for status, code in CODES.items()}
    rows |= {INTERNAL_ERROR: ["500", "no"], HTTP_ERROR: ["4xx", "no"]}
    assert documented <= rows.keys()
    check_rows(REFERENCE / "errors.md", "Code", rows)


def test_the_api_page_lists_every_call() -> None:
    rows = {
        f"{route.method} {route.path}": [
            f"`{route.scope}`" if route.scope else "any" if route.takes_any_key else "-",
            cell(route.summary),
        ]
        for route in ROUTES
        if "{asset}" not in route.path and route.path != "/docs/"
    }
    check_rows(REFERENCE / "api.md", "Call", rows)


def test_the_guide_for_agents_lists_every_call_under_v1() -> None:
    calls = [
        f"- `{route.method} {route.path.removeprefix('/')}`: {route.summary}"
        for route in ROUTES
        if route.is_strict and route.is_documented
    ]
    check_section(GUIDE, "\n".join(calls) + "\n")


def test_the_guide_for_agents_leads_to_addresses_of_the_service() -> None:
    linked = re.findall(r"\]\((\S+)\)", GUIDE.read_text())
    assert {f"/{address}" for address in linked} <= {route.path for route in ROUTES}


def test_the_cli_page_says_what_help_says() -> None:
    commands: Any = Commands()
    parent = typer.Context(commands, info_name="pgvend")
    parts = [_help(commands.get_command(parent, name), name, parent) for name in COMMANDS]
    check_section(REFERENCE / "cli.md", "\n".join(part for each in parts for part in each))


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("name"))
def test_the_pages_name_settings_that_exist(page: Path) -> None:
    named = set(_VARIABLE.findall(page.read_text()))
    assert not named - NAMES - FOREIGN_VARIABLES


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("name"))
def test_the_pages_name_commands_that_exist(page: Path) -> None:
    code = re.findall(r"^```.*?^```|`[^`\n]+`", page.read_text(), re.MULTILINE | re.DOTALL)
    named = set(_COMMAND.findall("\n".join(code)))
    assert not named - COMMANDS.keys() - {"serves"}  # which the service prints


def _settings() -> list[tuple[str, Setting]]:
    return [(setting.name, setting) for setting in SETTINGS]


def _default(value: Any) -> str:
    match value:
        case bool():
            return "`on`" if value else "`off`"
        case None | "" | ():
            return "not set"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case timedelta():
            return f"`{_format_duration(value)}`"
        case SizeLimit():
            return f"`{format_size(value.size)}`"
    return f"`{value}`"


def _labels(spec: Spec) -> str:
    return ", ".join(f"`{label}`" for label in spec.labels)


def _format_duration(length: timedelta) -> str:
    """Return the length in the largest unit that fits."""
    seconds = int(length.total_seconds())
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return next(f"{seconds // unit}{name}" for name, unit in units.items() if not seconds % unit)


def _subclasses(kind: type[PgvendError]) -> Iterator[type[PgvendError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _codes(part: Any) -> Iterator[str]:
    """Return the codes of the problems that the document names."""
    if isinstance(part, dict):
        yield from part.get("properties", {}).get("code", {}).get("enum", [])
    parts: Iterable[Any] = part.values() if isinstance(part, dict) else part
    for inner in parts:
        if isinstance(inner, dict | list):
            yield from _codes(inner)


def _error_cells(error: type[PgvendError]) -> list[str]:
    return [str(find_status(error)), "yes" if error.retryable else "no"]


def _help(command: Any, name: str, parent: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=name, parent=parent)
    subcommands = getattr(command, "commands", {})
    yield f"### {context.command_path}\n\n{_paragraphs(command.help)}\n"
    if not subcommands:
        usage = " ".join(command.get_usage(context).split()[1:])
        yield f"`{usage.translate(_BRACES)}`\n"
    yield from _parameters(command, context)
    for inner, each in subcommands.items():
        yield from _help(each, inner, context)


def _parameters(command: Any, context: Any) -> Iterator[str]:
    records = [each.get_help_record(context) for each in command.params]
    rows = [f"| `{cell(name)}` | {cell(text)} |" for name, text in filter(None, records)]
    rows = [row for row in rows if not row.startswith("| `--help`")]
    if rows:
        yield "| Argument or option | Meaning |\n|---|---|\n" + "\n".join(rows) + "\n"


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
