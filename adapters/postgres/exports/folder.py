"""The folder of the dumps: files are complete under their own names, and readable by pgvend's
account alone."""

import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ExportFailed, StartupError
from domain.exports import SUFFIX

PART_SUFFIX = ".part"

_PART = re.compile(rf"\..+{re.escape(SUFFIX)}\.[^.]+{re.escape(PART_SUFFIX)}")
"""Names of parts: another program can have such files too, but for the suffix of dumps."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is being written."""

    path: Path
    descriptor: int

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size


@dataclass(frozen=True)
class ExportFolder:
    """The folder at `path`. A part that was not written to for `max_age` seconds was left by a
    process that ended. All methods block, and raise ExportFailed."""

    path: Path
    max_age: float

    def open_part(self, file: str) -> Part:
        """Create a part of that file, of mode 0600. Remove parts that were left over."""
        with _translate_errors(self.path):
            self._remove_leftovers(file)
            prefix = _part_prefix(file)
            descriptor, name = tempfile.mkstemp(PART_SUFFIX, prefix, self.path)
            return Part(Path(name), descriptor)

    def publish(self, part: Part, file: str) -> int:
        """Give the complete part its name, durably. Return its size."""
        with _translate_errors(self.path):
            size = part.size
            os.fsync(part.descriptor)
            part.path.replace(self.path / file)
            _sync_folder(self.path)
            return size

    def close_part(self, part: Part) -> None:
        """Close the part, and remove it unless it was published."""
        os.close(part.descriptor)
        with suppress(OSError):
            part.path.unlink()

    def remove(self, file: str) -> None:
        """Remove the file if it exists."""
        with _translate_errors(self.path):
            (self.path / file).unlink(missing_ok=True)

    def _remove_leftovers(self, file: str) -> None:
        """Remove the parts of this file, which nobody else exports now, and all old parts."""
        oldest = time.time() - self.max_age
        for entry in os.scandir(self.path):
            if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # another process was faster
                    is_own = entry.name.startswith(_part_prefix(file))
                    if is_own or entry.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(entry.path)


def open_folder(path: Path, max_age: float) -> ExportFolder:
    """Create the folder if it is missing, and check that it can be used. Raises StartupError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StartupError(
            f"The folder {path} cannot be used ({error.strerror}): set PGVEND_EXPORT_DIR to a "
            "folder that pgvend can write to."
        ) from error
    if mode & stat.S_IWOTH:
        raise StartupError(
            f"Everyone can write to {path}: run `chmod o-w {path}`, or set PGVEND_EXPORT_DIR to "
            "another folder."
        )
    return ExportFolder(path, max_age)


def _part_prefix(file: str) -> str:
    return f".{file}."


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportFailed(f"The export folder {path} cannot be used: {error.strerror}.") from error
