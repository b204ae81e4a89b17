"""The programs are pinned by version and hash, and come from any registry."""

import json

from tests.clients.tools import HERE


def test_the_npm_programs_are_pinned_by_hash_and_name_no_registry() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    installed = [package for place, package in packages.items() if place]

    assert installed
    assert all(package["version"] and package["integrity"] for package in installed)
    assert not any("resolved" in package for package in installed)
