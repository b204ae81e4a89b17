"""Extensions that are harmless and not trusted, which tenants may create all the same.

From PostgreSQL 18 on the server looks for control files where `extension_control_path` says: there
is ours, which calls such an extension trusted and takes its scripts from where they are.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from adapters.driver.connecting import Login
from adapters.embedded.account import Account
from adapters.embedded.configuration import quoted
from adapters.embedded.files import opened_folder, write_file
from adapters.embedded.threads import in_thread
from adapters.postgres.quoting import literal
from adapters.postgres.sessions import single_session

HARMLESS = frozenset({"vector"})

FIRST_WITH_CONTROL_PATH = 18

FOLDER = "extension"
"""Of the data folder; PostgreSQL gives it its name."""

_CONTROL = """
SELECT setting || '/extension' AS folder,
       pg_read_file(setting || '/extension/' || $1 || '.control', true) AS text
FROM pg_config WHERE name = 'SHAREDIR'
"""


def control_path(data: Path, major: int) -> Mapping[str, str]:
    """The settings that let a server of that version find our control files."""
    if major < FIRST_WITH_CONTROL_PATH:
        return {}
    # where every backend works; no colon in the name of a folder above can end the path
    place = "/proc/self/cwd" if sys.platform == "linux" else str(data)
    return {"extension_control_path": f"{place}:$system"}


async def entrust(
    data: Path, major: int, superuser: Login, account: Account | None
) -> frozenset[str]:
    """Let tenants create the harmless extensions that the server has. Returns their names."""
    if major < FIRST_WITH_CONTROL_PATH:
        return frozenset()
    found: dict[str, str] = {}
    async with single_session(superuser) as session:
        for name in HARMLESS:
            [control] = await session.fetch(_CONTROL, name)
            if control["text"] is not None:
                found[name] = trusting(control["text"], control["folder"])
    await in_thread(_write, data, found, account)
    return frozenset(found)


async def load_libraries(superuser: Login) -> None:
    """Load those of the harmless extensions, which take their part of the shared memory then: later
    a tenant that holds all locks may have left none."""
    async with single_session(superuser) as session:
        for name in HARMLESS:
            with suppress(asyncpg.UndefinedFileError):
                await session.execute(f"LOAD {literal(name)}")


def trusting(control: str, scripts: str) -> str:
    """The control file of an extension whose scripts are in the folder `scripts`, as one that
    calls it trusted."""
    replaced = ("trusted", "directory")
    lines = [line for line in control.splitlines() if not line.strip().startswith(replaced)]
    return "\n".join([*lines, "trusted = true", f"directory = {quoted(scripts)}", ""])


def _write(data: Path, controls: Mapping[str, str], account: Account | None) -> None:
    with _control_folder(data, account) as folder:
        for name, text in controls.items():
            write_file(folder / f"{name}.control", text, account)
        _remove_others(folder, {f"{name}.control" for name in controls})


@contextmanager
def _control_folder(data: Path, account: Account | None) -> Iterator[Path]:
    """The folder itself, not a link that the server put in its place. Raises OSError."""
    folder = data / FOLDER
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    with opened_folder(folder) as descriptor:
        if account:
            os.fchown(descriptor, account.uid, account.gid)
        yield Path(f"/proc/self/fd/{descriptor}") if sys.platform == "linux" else folder


def _remove_others(folder: Path, names: Set[str]) -> None:
    """A control file whose scripts are no longer there would offer what cannot be had."""
    for file in folder.iterdir():
        if file.name not in names:
            file.unlink()
