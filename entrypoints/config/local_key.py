"""The admin key in the data folder, for client commands on the service's machine.

Without pydantic: loading it takes longer than a request.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from domain.hosts import find_local_host
from domain.secrets import Secret
from entrypoints.config.environment import read_environment

DATA_DIR = "PGVEND_DATA_DIR"
DEFAULT_DATA_DIR = ".pgvend"

KEY_FILE = "admin-key"
ADDRESS_FILE = "admin-key.address"
"""The address of the service that accepts the key. The service locks the file as long as it runs,
so that the key is never sent to another program that listens on that address later."""

MAX_SIZE = 4096
"""Bytes; both files are much smaller."""

_PORTS = {"http": 80, "https": 443}


def find_local_key(url: SplitResult) -> Secret | None:
    """Return the admin key of the service at `url`, if PGVEND_DATA_DIR is its data folder. Raises
    StartupError if `.env` cannot be read."""
    return find_key_in(Path(read_environment().values.get(DATA_DIR, DEFAULT_DATA_DIR)), url)


def find_key_in(folder: Path, url: SplitResult) -> Secret | None:
    """Return the key in the folder if its service runs on this machine, made the key itself and
    listens at `url`, and the current user may read it; None otherwise.

    The host must be the address that the service listens on, not a name: a name can lead to another
    program.
    """
    try:
        if not _is_served(folder / ADDRESS_FILE, url):
            return None
        with open_private_file(folder / KEY_FILE) as descriptor:
            return Secret(os.read(descriptor, MAX_SIZE).decode("ascii").strip())
    except (OSError, ValueError):
        return None


@contextmanager
def open_private_file(file: Path, *, creates: bool = False) -> Iterator[int]:
    """Open a file to read and write, and yield its descriptor; with `creates`, a missing one is
    created with mode 0600. Raises OSError, also for a symbolic link, for anything else than a file,
    and for a file of another user (which root may open)."""
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if creates else 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{file} is not a file")
        if not is_trusted(status.st_uid, os.geteuid()):
            raise PermissionError(f"{file} belongs to another user")
        yield descriptor
    finally:
        os.close(descriptor)


def is_trusted(owner: int, user: int) -> bool:
    """Return whether the user takes a key from a file of that owner. Another user's folder could
    lead commands to that user's service."""
    return user in {0, owner}


def _is_served(file: Path, url: SplitResult) -> bool:
    """Return whether a running service has recorded `url` as its address. Raises OSError and
    ValueError."""
    with open_private_file(file) as descriptor:
        return _is_locked(descriptor) and _is_same(json.loads(os.read(descriptor, MAX_SIZE)), url)


def _is_locked(descriptor: int) -> bool:
    """Return whether the service holds its lock. This lock, which other commands can share, ends
    when the file is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _is_same(address: Any, url: SplitResult) -> bool:
    """Raises ValueError for a file that pgvend did not write."""
    match address:
        case {"scheme": scheme, "host": str(host), "port": port}:
            is_listening = url.hostname in {host, find_local_host((host,))}
            url_port = url.port or _PORTS.get(url.scheme)
            return is_listening and (url.scheme, url_port) == (scheme, port)
    raise ValueError("not an address")
