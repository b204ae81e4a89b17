"""The Compose file is valid by the specification of Compose, and a linter reports nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.clients.tools import COMPOSE as PINS
from tests.clients.tools import PROGRAMS, npm_tools, run
from tests.support.compose import COMPOSE, VARIABLE

pytestmark = pytest.mark.timeout(600)

MATTERS_OF_TASTE = (
    "no-build-and-image",  # the image of a build has a name
    "no-quotes-in-volumes",
    "require-quotes-in-ports",
    "service-dependencies-alphabetical-order",
    "service-image-require-explicit-tag",
    "service-keys-order",
    "services-alphabetical-order",
)


@pytest.fixture(scope="session")
def linter() -> Path:
    tools = npm_tools(PINS, PROGRAMS / "clients-compose-npm")
    return tools / "node_modules/.bin/dclint"


def find_problems(linter: Path, text: str, folder: Path) -> Sequence[str]:
    """Return what the linter finds, with the defaults of all variables."""
    file = folder / "compose.yaml"
    file.write_text(VARIABLE.sub(r"\2", text))
    disabled = [f"--disable-rule={rule}" for rule in MATTERS_OF_TASTE]
    _, printed = run(linter, file, "--formatter=json", *disabled, cwd=folder)
    return [message["message"] for report in json.loads(printed) for message in report["messages"]]


def test_the_linter_reports_nothing(linter: Path, tmp_path: Path) -> None:
    assert find_problems(linter, COMPOSE.read_text(), tmp_path) == []


def test_an_unknown_key_is_reported(linter: Path, tmp_path: Path) -> None:
    faulty = COMPOSE.read_text().replace("read_only:", "readonly:")
    assert "additional properties" in "".join(find_problems(linter, faulty, tmp_path))
