"""Reading and replacing a file whole, in a folder that belongs to the server's system user too."""

import os
from pathlib import Path

from adapters.embedded.account import Account


def read_file(path: Path) -> str | None:
    """Return the text of a file: None where no file is, or a link is in its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, errors="replace") as file:
        return file.read()


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
