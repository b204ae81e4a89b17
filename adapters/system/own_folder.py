"""pgvend's entries in its data folder, and their removal."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from adapters.system.descriptors import (
    is_link,
    measure,
    open_entry,
    open_path,
    remove_entry,
)
from domain.errors import UninstallFailed
from ports.driven.installed_part import InstalledItem, InstalledPart

FOREIGN = "not pgvend's: remove it by hand"
LINK = "a symbolic link: remove it and its target by hand"


@dataclass(frozen=True, kw_only=True)
class OwnFolder(InstalledPart):
    """`contents` describes pgvend's entries in the folder `path`, by patterns of their names. A
    running service locks one of the files `locks` in it, whose paths have one or two parts. They
    are removed last, in this order: until then they identify the folder."""

    path: Path
    contents: Mapping[str, str]
    locks: Sequence[PurePath]

    def list_items(self) -> Sequence[InstalledItem]:
        if not self._exists:
            return []
        with self._open() as (_, folder):
            names = sorted(self._list_names(folder))
            return [self._describe(folder, name) for name in names]

    @contextmanager
    def hold(self) -> Iterator[None]:
        with ExitStack() as holding:
            if self._exists:
                self._take_all(holding)
            yield

    def remove(self) -> None:
        if not self._exists:
            return
        with self._open() as (above, folder):
            for name in sorted(self._list_names(folder), key=self._find_turn):
                if self._find_contents(name) and not is_link(folder, name):
                    remove_entry(folder, name, self._is_lock)
            with suppress(OSError):  # it is a mount point, or still has entries
                os.rmdir(self.path.name, dir_fd=above)

    @property
    def _exists(self) -> bool:
        return os.path.lexists(self.path)

    @contextmanager
    def _open(self) -> Iterator[tuple[int, int]]:
        """Yield the descriptors of the folder above and of the folder. Raises UninstallFailed, also
        for an OSError in the context."""
        self._refuse_link()
        try:
            with open_path(self.path) as opened:
                yield opened
        except (OSError, RecursionError) as error:
            raise UninstallFailed(
                f"{self.path} cannot be removed completely ({_explain(error)}): remove it as the "
                "user who runs the service, or as root, or by hand."
            ) from error

    def _refuse_link(self) -> None:
        if self.path != self.path.resolve():
            raise UninstallFailed(
                f"{self.path} leads through a symbolic link, and nothing is removed through one: "
                f"set PGVEND_DATA_DIR to {self.path.resolve()}."
            )

    def _list_names(self, folder: int) -> Sequence[str]:
        """Return the names of all entries; none if the folder has nothing of pgvend. Raises
        UninstallFailed if its files could be another program's."""
        names = os.listdir(folder)
        own = [name for name in names if self._find_contents(name)]
        is_known = len(own) == len(names) or any(self._has(folder, lock) for lock in self.locks)
        if own and not is_known:
            raise UninstallFailed(
                f"{self.path} holds files that are not pgvend's, and no lock file of pgvend: set "
                "PGVEND_DATA_DIR to the data folder of the service."
            )
        return names if own else []

    def _describe(self, folder: int, name: str) -> InstalledItem:
        place, contents = str(self.path / name), self._find_contents(name)
        if not contents:
            return InstalledItem(place, "", kept=FOREIGN)
        if is_link(folder, name):
            return InstalledItem(place, contents, kept=LINK)
        return InstalledItem(place, contents, measure(folder, name))

    def _find_contents(self, name: str) -> str:
        matches = (text for pattern, text in self.contents.items() if fnmatchcase(name, pattern))
        return next(matches, "")

    def _find_turn(self, name: str) -> int:
        """Return when the entry is removed: the later, the higher."""
        turns = (turn for turn, lock in enumerate(self.locks) if lock.parts[0] == name)
        return next(turns, -1)

    def _is_lock(self, name: str) -> bool:
        return any(name == lock.name for lock in self.locks)

    def _has(self, folder: int, lock: PurePath) -> bool:
        with suppress(OSError), _opened(folder, lock, os.O_RDONLY):
            return True
        return False

    def _take_all(self, holding: ExitStack) -> None:
        with self._open() as (_, folder):
            for lock in self.locks:
                self._take(folder, lock, holding)

    def _take(self, folder: int, lock: PurePath, holding: ExitStack) -> None:
        """Take the lock until `holding` is closed. Skip a file that does not exist, and a link."""
        if not self._has(folder, lock):
            return
        descriptor = holding.enter_context(_opened(folder, lock, os.O_RDWR))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UninstallFailed(
                f"{self.path} is in use by pgvend: stop the service first."
            ) from None


@contextmanager
def _opened(folder: int, file: PurePath, flags: int) -> Iterator[int]:
    """Open the file of one or two parts below the folder. Raises OSError, also for a link."""
    with ExitStack() as closing:
        for above in file.parts[:-1]:
            opened = open_entry(folder, above, os.O_RDONLY | os.O_DIRECTORY)
            folder = closing.enter_context(opened)
        yield closing.enter_context(open_entry(folder, file.name, flags))


def _explain(error: OSError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "its folders are nested too deeply"
    place = error.filename
    name = os.fsdecode(place) if isinstance(place, str | bytes) else ""
    return f"{error.strerror}: {name}" if name else f"{error.strerror}"
