"""Commands are loaded when they are used."""

import json
import subprocess
import sys
from functools import cache

import pytest

from entrypoints.cli.app import COMMANDS, Commands
from tests.support.service import REPOSITORY

ASKING = sorted(set(COMMANDS) - {"serve", "doctor", "neon-emulator"})

HEAVY = {"alembic", "asyncpg", "dependency_injector", "sqlalchemy"}

LOADED = """
import json, sys
def fresh():
    for name in list(sys.modules):
        if name.partition(".")[0] in ("adapters", "domain", "entrypoints", "ports"):
            del sys.modules[name]
    from entrypoints.cli.app import Commands
    return Commands()
loaded = {name: fresh().get_command(None, name) and [*sys.modules] for name in sys.argv[1:]}
print(json.dumps(loaded))
"""


@cache
def loaded() -> dict[str, list[str]]:
    """The modules that are there after each command was loaded in a new interpreter; those of
    others are counted for all commands that follow as well."""
    asking = [sys.executable, "-c", LOADED, *ASKING]
    return dict(json.loads(subprocess.check_output(asking, cwd=REPOSITORY)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_bears_its_name_and_says_what_it_does(name: str) -> None:
    command = Commands().get_command(None, name)
    assert command.name == name
    assert command.help


def test_there_is_no_other_command() -> None:
    assert Commands().get_command(None, "nonsense") is None


@pytest.mark.parametrize("name", ASKING)
def test_who_asks_a_service_does_not_wait_for_what_a_service_needs(name: str) -> None:
    modules = loaded()[name]
    assert "entrypoints.cli.asking" in modules
    assert not HEAVY.intersection(modules)
