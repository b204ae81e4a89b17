"""The manifests for Kubernetes in `deploy/kubernetes`."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # its types are a separate package

from tests.support.service import REPOSITORY

FOLDER = REPOSITORY / "deploy/kubernetes"

Manifest = Mapping[str, Any]


@cache
def read_manifests(file: Path) -> Sequence[Manifest]:
    return list(yaml.safe_load_all(file.read_text()))


def find(kind: str) -> Manifest:
    """Return the one manifest of that kind, examples included."""
    manifests = [each for file in FOLDER.rglob("*.yaml") for each in read_manifests(file)]
    (found,) = [each for each in manifests if each["kind"] == kind]
    return found


def pod() -> Manifest:
    """Return the specification of the Deployment's pods."""
    specification: Manifest = find("Deployment")["spec"]["template"]["spec"]
    return specification


def container() -> Manifest:
    (only,) = pod()["containers"]
    found: Manifest = only
    return found
