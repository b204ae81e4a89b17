"""Files and folders by descriptors, which no symbolic link can lead elsewhere."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW

_PATH_ONLY = getattr(os, "O_PATH", os.O_RDONLY)
"""Opens a folder that may not be listed, where the system can."""


@contextmanager
def open_path(path: Path) -> Iterator[tuple[int, int]]:
    """Open the folder at the absolute path without following a link anywhere in it, and yield the
    descriptors of the folder above and of the folder itself. Raises OSError."""
    with ExitStack() as closing:
        above = os.open(path.anchor, FOLDER | _PATH_ONLY)
        closing.callback(os.close, above)
        for name in path.parent.parts[1:]:
            above = os.open(name, FOLDER | _PATH_ONLY, dir_fd=above)
            closing.callback(os.close, above)
        folder = os.open(path.name, FOLDER | os.O_RDONLY, dir_fd=above)
        closing.callback(os.close, folder)
        yield above, folder


@contextmanager
def open_entry(folder: int, name: str, flags: int) -> Iterator[int]:
    """Open an entry of the folder, and yield its descriptor. Raises OSError, also for a link."""
    descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_folder(folder: int, name: str) -> bool:
    """Raises OSError."""
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def is_link(folder: int, name: str) -> bool:
    """Raises OSError."""
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def measure(folder: int, name: str) -> int:
    """Return the bytes of the files in the entry, without those that links lead to. Raises OSError
    when the current user cannot read all of it."""
    if not is_folder(folder, name):
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    tree = os.fwalk(name, dir_fd=folder, onerror=_raise)
    return sum(
        os.stat(file, dir_fd=descriptor, follow_symlinks=False).st_size
        for _, _, files, descriptor in tree
        for file in files
    )


def remove_entry(folder: int, name: str, last: Callable[[str], bool]) -> None:
    """Remove the file or the folder; of the entries of a folder, those that are `last` at the end.
    Remove links in it, not their targets. Raises OSError."""
    if not is_folder(folder, name):
        os.unlink(name, dir_fd=folder)
        return
    with open_entry(folder, name, os.O_RDONLY | os.O_DIRECTORY) as opened:
        for each in sorted(os.listdir(opened), key=last):
            remove_tree(opened, each)
    os.rmdir(name, dir_fd=folder)


def remove_tree(folder: int, name: str) -> None:
    """Raises OSError."""
    if is_folder(folder, name):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _raise(error: OSError) -> None:
    raise error
