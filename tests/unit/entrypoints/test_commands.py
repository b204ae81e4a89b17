"""The commands, and what each loads."""

import gc
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from entrypoints.cli.app import COMMANDS, Commands
from entrypoints.cli.load import open_source
from entrypoints.cli.serve import without_garbage_collection
from tests.support.service import REPOSITORY

CLIENT_COMMANDS = sorted(
    set(COMMANDS) - {"serve", "doctor", "health", "uninstall", "neon-emulator"}
)

HEAVY = {"aiohttp", "alembic", "asyncpg", "dependency_injector", "pydantic", "sqlalchemy", "yarl"}
"""Modules that take longer to load than a command takes to run."""

MAX_OWN_MODULES = 45
"""The maximum number of pgvend's modules that a client command loads."""

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
def list_loaded_modules(*commands: str) -> dict[str, list[str]]:
    """Return the modules that each command has loaded in a new interpreter; those of other packages
    count for all commands after it too."""
    asking = [sys.executable, "-c", LOADED, *commands]
    return dict(json.loads(subprocess.check_output(asking, cwd=REPOSITORY)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_name_and_a_help_text(name: str) -> None:
    command = Commands().get_command(None, name)
    assert command.name == name
    assert command.help
    assert not re.search(r"[^\n]\n[^\n]", command.help), "the terminal breaks its lines"


def test_an_unknown_command_is_not_found() -> None:
    assert Commands().get_command(None, "nonsense") is None


@pytest.mark.parametrize("name", CLIENT_COMMANDS)
def test_a_client_command_does_not_load_the_server(name: str) -> None:
    modules = list_loaded_modules(*CLIENT_COMMANDS)[name]
    own = [each for each in modules if each.partition(".")[0] in {"domain", "entrypoints"}]
    assert "entrypoints.cli.client" in modules
    assert not HEAVY.intersection(modules)
    assert len(own) <= MAX_OWN_MODULES


ONLY_ON_A_SERVER = {"adapters.registry.postgres", "alembic", "sqlalchemy.ext.asyncio"}
"""Modules that a service with its registry in a file does without."""


def test_the_service_does_not_load_what_only_a_registry_on_a_server_needs() -> None:
    code = "import json, sys, entrypoints.cli.run_service; print(json.dumps([*sys.modules]))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=REPOSITORY))

    assert "adapters.registry.sqlite" in loaded
    assert not ONLY_ON_A_SERVER.intersection(loaded)


def test_garbage_is_collected_again_after_the_service_was_loaded() -> None:
    gc.collect()
    with without_garbage_collection():
        was_enabled = gc.isenabled()
    frozen = gc.get_freeze_count()
    gc.unfreeze()

    assert not was_enabled
    assert gc.isenabled()
    assert frozen > 0


RUN = """
import json, sys
from contextlib import suppress
from entrypoints.cli.app import create_app
for command in sys.argv[1:]:
    with suppress(SystemExit):
        create_app()(["--url", "http://127.0.0.1:1", *command.split()])
print(json.dumps([*sys.modules]))
"""
RUNS = (
    *("list --label a=b", "show x", "create x --ttl 1h", "extend x 1h", "rotate x", "restore x"),
    *("delete x", "keys list", "keys create", "audit", "whoami", "open", "reconcile --dry-run"),
)


def test_a_run_of_a_client_command_does_not_load_the_server() -> None:
    """Typer itself loads pydantic to check values."""
    running = [sys.executable, "-c", RUN, *RUNS]
    result = subprocess.run(running, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    assert result.stderr.count("Nothing listens") == len(RUNS), result.stderr
    assert not HEAVY.intersection(json.loads(result.stdout))


def test_the_help_of_all_commands_does_not_load_the_server() -> None:
    modules = list_loaded_modules(*COMMANDS)
    assert not HEAVY.intersection(*modules.values())


def test_a_dump_whose_name_begins_with_a_hyphen_is_no_option_of_pg_restore() -> None:
    with open_source(Path("-x.dump")) as path:
        assert path == Path.cwd() / "-x.dump"
