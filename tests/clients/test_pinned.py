"""The programs are pinned by version and hash, and come from any registry."""

import json
from pathlib import Path

import pytest

from tests.clients.tools import BROWSER, COMPOSE, DRIVERS, HERE, MCP


@pytest.mark.parametrize("pins", [HERE, DRIVERS, BROWSER, COMPOSE, MCP], ids=lambda pins: pins.name)
def test_the_npm_programs_are_pinned_by_hash_and_name_no_registry(pins: Path) -> None:
    packages = json.loads((pins / "package-lock.json").read_text())["packages"]
    installed = [package for place, package in packages.items() if place]

    assert installed
    assert all(package["version"] and package["integrity"] for package in installed)
    assert not any("resolved" in package for package in installed)
