"""What the import rules of `make lint` do not say."""

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

WITNESS = """
import importlib, json, os, pkgutil, sys, threading

PACKAGES = ["domain", "ports", "adapters", "entrypoints"]
WATCHED = ("socket.", "subprocess.", "os.", "shutil.", "_thread.", "signal.", "tempfile.")
HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk")
seen = {"modules": [], "actions": [], "variables": []}

def witness(event, arguments):
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

sys.addaudithook(witness)
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
def imported() -> dict[str, list[str]]:
    """What a new interpreter did while it imported every module of ours; `-B` keeps Python itself
    from writing."""
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{WITNESS}"
    outcome = subprocess.run(
        [sys.executable, "-B", "-I", "-W", "error", "-c", program],
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

    assert files <= set(imported()["modules"])


def test_importing_does_nothing_else() -> None:
    """It opens no socket (an event loop would show as the pair by which it is woken), starts no
    thread or process, writes nothing and reads no setting."""
    seen = imported()
    assert (seen["actions"], seen["variables"]) == ([], [])
    assert seen["threads"] == ["MainThread"]


def test_every_module_says_what_it_is() -> None:
    silent = [str(path) for path in FILES if not path.read_text().startswith('"""')]
    assert silent == []
