"""Linters of OpenAPI documents report nothing about the document."""

import json
from pathlib import Path
from typing import Any

import pytest

from entrypoints.http.api.openapi import create_document
from entrypoints.http.api.routes.table import ROUTES
from tests.clients.tools import run

pytestmark = pytest.mark.timeout(600)

LINTERS = ["redocly", "spectral"]
RULES = {"extends": ["spectral:oas"]}


def find_problems(linter: str, npm: Path, document: Path) -> list[Any]:
    """Return what the linter finds in the file, hints included."""
    folder = document.parent
    program = npm / "node_modules" / ".bin" / linter
    if linter == "redocly":
        _, printed = run(
            program, "lint", "--extends=recommended", "--format=json", document, cwd=folder
        )
        return list(_json_in(printed, "{")["problems"])
    (folder / "rules.json").write_text(json.dumps(RULES))
    options = ("--ruleset=rules.json", "--fail-severity=hint", "--format=json", "--quiet")
    _, printed = run(program, "lint", *options, document, cwd=folder)
    return list(_json_in(printed, "["))


def _json_in(printed: str, opening: str) -> Any:
    """Read the report, which redocly prints among lines of its own."""
    start = printed.find(f"\n{opening}") + 1 if not printed.startswith(opening) else 0
    report, _ = json.JSONDecoder().raw_decode(printed[start:])
    return report


@pytest.mark.parametrize("linter", LINTERS)
@pytest.mark.parametrize("is_open", [True, False])
def test_the_document_has_no_warning(linter: str, is_open: bool, npm: Path, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(create_document(ROUTES, is_open=is_open)))

    assert find_problems(linter, npm, file) == []


@pytest.mark.parametrize("linter", LINTERS)
def test_a_document_with_faults_has_warnings(linter: str, npm: Path, document: Path) -> None:
    faulty = json.loads(document.read_text())
    del faulty["info"]["contact"], faulty["info"]["license"]
    del faulty["paths"]["/livez"]["get"]["operationId"]
    document.write_text(json.dumps(faulty))

    assert find_problems(linter, npm, document)
