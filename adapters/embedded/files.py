"""Reading and replacing a file whole, in a folder that belongs to the server's system user too."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.embedded.account import Account

LONGEST = 1_000_000
"""Bytes that are read of a file: PostgreSQL's own are shorter."""

_NO_FILE = {errno.ENOENT, errno.ELOOP, errno.ENXIO}
"""Nothing is there, or a link, or a socket."""


def read_file(path: Path, owner: int | None = None) -> str | None:
    """Return the text of a file that the `owner` owns (None: any user), or its beginning.
    Return None where there is no such file: never read a link, or another name of a file of root's.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or owner not in {None, found.st_uid}:
            return None
        return os.read(descriptor, LONGEST).decode(errors="replace")
    finally:
        os.close(descriptor)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Open the folder itself, never one that a link in its place leads to, and yield its
    descriptor. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(path: Path, text: str, account: Account | None) -> None:
    """Put a whole new file in the place of the old one.

    We may be root, and the folder is the server's: nothing that the server could have put there,
    a link above all, is followed.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
        if account:
            os.fchown(descriptor, account.uid, account.gid)
    new.replace(path)
