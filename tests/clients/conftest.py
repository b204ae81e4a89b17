"""Fixtures: the OpenAPI document as a file, databases of pgvend, and programs that use them."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from entrypoints.http.api.openapi import create_document
from entrypoints.http.api.routes.table import ROUTES
from tests.clients.places import PLACES, Database, Place
from tests.clients.tools import HERE, npm_drivers, npm_tools, python_drivers, python_tools


@pytest.fixture(scope="session")
def npm() -> Path:
    return npm_tools()


@pytest.fixture(scope="session")
def python() -> Path:
    return python_tools()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A file with the OpenAPI document of a service with API keys."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(create_document(ROUTES, is_open=False)))
    return file


@pytest.fixture(scope="session")
def python_with_drivers() -> Path:
    """The Python that has the drivers of `drivers/requirements.txt`."""
    return python_drivers() / "python"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the drivers of `drivers/package-lock.json`."""
    return npm_drivers() / "node_modules"


@pytest.fixture(scope="session", params=PLACES)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """A service over each kind of server; one of a kind for all tests."""
    async with PLACES[request.param]() as running:
        yield running


@pytest.fixture
async def database(place: Place, tmp_path: Path) -> Database:
    return await place.create(tmp_path / "ca.pem")


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the folder of `programs` that the test's module names as its PROGRAM."""
    return Path(shutil.copytree(HERE / "programs" / request.module.PROGRAM, tmp_path / "program"))
