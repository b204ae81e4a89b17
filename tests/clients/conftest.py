"""The OpenAPI document as a file, and the programs that read it."""

import json
from pathlib import Path

import pytest

from entrypoints.http.openapi import document
from entrypoints.http.routes import ROUTES
from tests.clients.tools import npm_tools, python_tools


@pytest.fixture(scope="session")
def npm() -> Path:
    return npm_tools()


@pytest.fixture(scope="session")
def python() -> Path:
    return python_tools()


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A file with the document of a service that asks for keys."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document(ROUTES, is_open=False)))
    return file
