"""Harmless extensions that tenants may create although PostgreSQL does not mark them as trusted.

PostgreSQL 18 and newer look for control files in `extension_control_path`. pgvend puts one there
that marks the extension as trusted and refers to the original scripts.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from adapters.driver.connector import Login
from adapters.embedded.account import Account
from adapters.embedded.configuration import quote
from adapters.embedded.files import open_folder, write_file
from adapters.postgres.quoting import quote_literal
from adapters.postgres.sessions import open_session
from ports.driven.cancellation import run_in_thread

HARMLESS = frozenset({"vector"})

FIRST_WITH_CONTROL_PATH = 18

FOLDER = "extension"
"""The folder in the data folder; PostgreSQL requires this name."""

_CONTROL = """
SELECT setting || '/extension' AS folder,
       pg_read_file(setting || '/extension/' || $1 || '.control', true) AS text
FROM pg_config WHERE name = 'SHAREDIR'
"""


def control_path(data: Path, major: int) -> Mapping[str, str]:
    """Return the settings by which a server of the version finds pgvend's control files."""
    if major < FIRST_WITH_CONTROL_PATH:
        return {}
    # the working directory of every backend; a colon in the real path would end it
    folder = "/proc/self/cwd" if sys.platform == "linux" else str(data)
    return {"extension_control_path": f"{folder}:$system"}


async def trust_extensions(
    data: Path, major: int, superuser: Login, account: Account | None
) -> frozenset[str]:
    """Let tenants create the harmless extensions that the server has, and return their names."""
    if major < FIRST_WITH_CONTROL_PATH:
        return frozenset()
    controls: dict[str, str] = {}
    async with open_session(superuser) as session:
        for name in HARMLESS:
            [file] = await session.fetch(_CONTROL, name)
            if file["text"] is not None:
                controls[name] = mark_as_trusted(file["text"], file["folder"])
    await run_in_thread(_write_controls, data, controls, account)
    return frozenset(controls)


async def load_libraries(superuser: Login) -> None:
    """Load the libraries of the harmless extensions now, so that they get their shared memory: a
    tenant that holds all locks may leave none later."""
    async with open_session(superuser) as session:
        for name in HARMLESS:
            with suppress(asyncpg.UndefinedFileError):
                await session.execute(f"LOAD {quote_literal(name)}")


def mark_as_trusted(control: str, scripts: str) -> str:
    """Return the control file with the extension marked as trusted, and with its scripts in the
    folder `scripts`."""
    overridden = ("trusted", "directory")
    lines = [line for line in control.splitlines() if not line.strip().startswith(overridden)]
    return "\n".join([*lines, "trusted = true", f"directory = {quote(scripts)}", ""])


def _write_controls(data: Path, controls: Mapping[str, str], account: Account | None) -> None:
    with _control_folder(data, account) as folder:
        for name, text in controls.items():
            write_file(folder / f"{name}.control", text, account)
        _remove_others(folder, {f"{name}.control" for name in controls})


@contextmanager
def _control_folder(data: Path, account: Account | None) -> Iterator[Path]:
    """Open the folder itself, never a link in its place. Raises OSError."""
    folder = data / FOLDER
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    with open_folder(folder) as descriptor:
        if account:
            os.fchown(descriptor, account.uid, account.gid)
        yield Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else folder


def _remove_others(folder: Path, names: Set[str]) -> None:
    """Remove control files of extensions that the server no longer has."""
    for file in folder.iterdir():
        if file.name not in names:
            file.unlink()
