"""Rules of the modules that import-linter does not check."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import adapters
import domain
import entrypoints
import ports

ROOT = Path(__file__).parents[2]
PACKAGES = [domain, ports, adapters, entrypoints]
FILES = [path for package in PACKAGES for path in (ROOT / package.__name__).rglob("*.py")]

PROGRAM = """
import importlib, json, os, pkgutil, sys, threading

PACKAGES = ["domain", "ports", "adapters", "entrypoints"]
WATCHED = ("socket.", "subprocess.", "os.", "shutil.", "_thread.", "signal.", "tempfile.")
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")
seen = {"modules": [], "actions": [], "variables": []}

def record(event, arguments):
    if event.startswith(WATCHED) and event not in HARMLESS:
        seen["actions"].append(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (
        os.O_WRONLY | os.O_RDWR | os.O_CREAT
    ):
        seen["actions"].append(f"open {arguments[0]}")
    if event == "open" and str(arguments[0]).endswith(".env"):
        seen["variables"].append(str(arguments[0]))

class Watched(type(os.environ)):
    def __getitem__(self, name):
        if name.startswith("PGVEND_"):
            seen["variables"].append(name)
        return super().__getitem__(name)

sys.addaudithook(record)
os.environ.__class__ = Watched
for name in PACKAGES:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
        seen["modules"].append(module.name)
seen["threads"] = [thread.name for thread in threading.enumerate()]
print(json.dumps(seen))
"""


@cache
def import_all() -> dict[str, list[str]]:
    """Import every module of pgvend in a new interpreter, and return what that did. With `-B`,
    Python itself writes nothing."""
    source = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}"
    outcome = subprocess.run(
        [sys.executable, "-B", "-I", "-W", "error", "-c", source],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(outcome.stdout))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_packages_are_this_repositorys(package: object) -> None:
    """`entrypoints` is also the name of a module on PyPI."""
    assert Path(str(getattr(package, "__file__", ""))).parent.parent == ROOT


def test_every_module_can_be_imported() -> None:
    files = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in FILES
        if path.name != "__init__.py"
    }

    assert files <= set(import_all()["modules"])


def test_imports_have_no_side_effects() -> None:
    """They open no socket (an event loop would open a pair of them), start no thread or process,
    write nothing and read no setting."""
    seen = import_all()
    assert (seen["actions"], seen["variables"]) == ([], [])
    assert seen["threads"] == ["MainThread"]


def test_every_module_has_a_docstring() -> None:
    without = [str(path) for path in FILES if not path.read_text().startswith('"""')]
    assert without == []
