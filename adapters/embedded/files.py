"""Reading and atomic replacement of files in a folder that the server's system user owns."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.embedded.account import Account

MAX_BYTES = 1_000_000
"""The maximum number of bytes to read from a file. PostgreSQL's own files are shorter."""

_NO_FILE = {errno.ENOENT, errno.ELOOP, errno.ENXIO}
"""The path does not exist, or is a link or a socket."""


def read_file(path: Path, owner: int | None = None) -> str | None:
    """Return the text of a regular file that `owner` owns (None: any user), up to MAX_BYTES. Return
    None when there is no such file. Never follow a link, and never read root's file through a hard
    link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or owner not in {None, status.st_uid}:
            return None
        return os.read(descriptor, MAX_BYTES).decode(errors="replace")
    finally:
        os.close(descriptor)


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Open the folder itself, never the target of a link in its place, and yield its descriptor.
    Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(path: Path, text: str, account: Account | None) -> None:
    """Replace the file atomically.

    pgvend may run as root in a folder that the server's account owns. Never follow a link that the
    account could have put there.
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
