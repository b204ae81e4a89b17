"""`pgvend uninstall`, by the settings of the service itself."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command_line import CommandResult, run_command, run_on_terminal

SHARED = "--keep-shared"
"""Other tests need the system user and the copy of the programs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "data"
    folder.mkdir()
    for name in ("secret", "registry.sqlite3.lock"):
        (folder / name).write_text("12345\n")
    return folder


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Lock the file as a running service does."""
    with open(file, "ab") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


async def uninstall(folder: Path, *options: str, **settings: str) -> CommandResult:
    arguments = ("uninstall", SHARED, *options)
    return await run_command(*arguments, PGVEND_DATA_DIR=str(folder), **settings)


async def test_without_data_it_lists_and_removes_nothing(folder: Path) -> None:
    result = await uninstall(folder)
    lines = result.stdout.splitlines()
    assert (result.status, result.stderr) == (0, "")
    assert lines[0].split() == ["PLACE", "CONTENTS", "SIZE", "ACTION"]
    row = "{}/secret  the secret, from which passwords are derived  6 B  would be removed"
    assert row.format(folder).split() in [line.split() for line in lines]
    assert lines[-1] == "Nothing was removed. `pgvend uninstall --data` removes it."
    assert len(os.listdir(folder)) == 2


async def test_it_removes_the_folder_and_says_what_stays(folder: Path) -> None:
    result = await uninstall(folder, "--data", "--yes", "--json")
    assert (result.status, result.stderr, os.listdir(folder.parent)) == (0, "", [])
    items = {item["place"]: item for item in json.loads(result.stdout)["items"]}
    assert items[str(folder / "secret")]["action"] == "removed"
    program = items[sys.prefix]
    assert (program["action"], program["reason"]) == ("stays", "remove it by hand")


async def test_what_is_on_servers_stays(folder: Path) -> None:
    dsn = "postgresql://admin:hunter2@db.example:5432/postgres"
    servers = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": dsn}
    records = {"PGVEND_REGISTRY_URL": dsn, "PGVEND_SECRET": "Yq3vR8kTz1LmN6pXw0sBd5fHj2cG7aUe"}
    result = await uninstall(folder, **servers, **records)
    stay = [line for line in result.stdout.splitlines() if "not on this machine" in line]
    assert ["ADMIN_DSN" in stay[0], "REGISTRY_URL" in stay[1]] == [True, True]
    assert "hunter2" not in result.stdout


async def test_after_it_there_is_nothing_to_remove(folder: Path) -> None:
    await uninstall(folder, "--data", "--yes")
    result = await uninstall(folder)
    assert (result.status, result.stdout.splitlines()[-1]) == (0, "Nothing was removed.")


async def test_a_running_service_is_left_alone(folder: Path) -> None:
    with locked(folder / "registry.sqlite3.lock"):
        result = await uninstall(folder, "--data", "--yes", "--json")
    problem = json.loads(result.stderr)
    assert (result.status, problem["code"]) == (1, "uninstall_failed")
    assert "stop the service first" in problem["detail"]
    assert os.listdir(folder.parent) == ["data"]


async def test_a_program_has_to_say_yes(folder: Path) -> None:
    result = await uninstall(folder, "--data")
    assert (result.status, "--yes" in result.stderr) == (2, True)
    assert os.listdir(folder.parent) == ["data"]


@pytest.mark.parametrize(("typed", "status"), [("n\n", 1), ("\x04", 130), ("y\n", 0)])
async def test_it_asks_on_a_terminal(folder: Path, typed: str, status: int) -> None:
    result = await run_on_terminal(
        "uninstall", SHARED, "--data", typed=typed, PGVEND_DATA_DIR=str(folder)
    )
    assert str(folder / "secret") in result.stderr
    assert "Remove this, with all data?" in result.stderr
    assert (result.status, os.listdir(folder.parent)) == (status, ["data"] if status else [])
