"""Commands are loaded when they are used."""

import subprocess
import sys

import pytest

from entrypoints.cli.app import COMMANDS, Commands
from tests.support.service import REPOSITORY

ASKING = set(COMMANDS) - {"serve", "doctor", "neon-emulator"}

HEAVY = {"alembic", "asyncpg", "dependency_injector", "sqlalchemy"}

LOADED = """
import sys
from entrypoints.cli.app import Commands
Commands().get_command(None, sys.argv[1])
print(*sys.modules)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_bears_its_name_and_says_what_it_does(name: str) -> None:
    command = Commands().get_command(None, name)

    assert command.name == name
    assert command.help


def test_there_is_no_other_command() -> None:
    assert Commands().get_command(None, "nonsense") is None


@pytest.mark.parametrize("name", sorted(ASKING))
def test_who_asks_a_service_does_not_wait_for_what_a_service_needs(name: str) -> None:
    asking = [sys.executable, "-c", LOADED, name]
    loaded = subprocess.run(asking, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()

    assert "entrypoints.cli.asking" in loaded.split()
    assert not HEAVY & set(loaded.split())
