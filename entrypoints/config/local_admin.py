"""The admin key that the service makes in its data folder if it needs keys and none is set."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from domain.errors import StartupError
from domain.secrets import Secret
from entrypoints.config.access import MIN_KEY_LENGTH
from entrypoints.config.data_folder import create_secret_file, open_data_folder, translate_errors
from entrypoints.config.exposure import find_open_access
from entrypoints.config.local_key import ADDRESS_FILE, KEY_FILE, MAX_SIZE, open_private_file
from entrypoints.config.settings import Settings

KEY_PREFIX = "pgv_admin_"
"""The beginning of the key, by which scanners for leaked secrets can find it."""

LOCK_ATTEMPTS, LOCK_PAUSE = 20, 0.01
"""How often the address file is tried to be locked, and the seconds between."""


@dataclass(frozen=True)
class LocalAdmin:
    """The admin key, and its file."""

    file: Path
    key: Secret

    def add_to(self, settings: Settings) -> Settings:
        """Return the settings as if the key had been set."""
        return settings.model_copy(update={"admin_key": SecretStr(self.key.reveal())})

    @contextmanager
    def publish_address(self, scheme: str, host: str, port: int) -> Iterator[None]:
        """Record the address at which the service accepts the key, until the context exits, for
        `find_local_key`. Raises StartupError."""
        address = json.dumps({"scheme": scheme, "host": host, "port": port})
        with ExitStack() as closing:
            with translate_errors(self.file.parent):
                file = open_private_file(self.file.parent / ADDRESS_FILE, creates=True)
                _write_locked(closing.enter_context(file), address)
            yield


def _write_locked(descriptor: int, text: str) -> None:
    """Lock the file until it is closed, and replace its contents. Raises OSError.

    Without a lock nothing is written, and client commands do not find the key: another service uses
    the folder, or the file system has no locks.
    """
    if _lock(descriptor):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode())


def _lock(descriptor: int) -> bool:
    """Return whether the file is now locked. A client command that looks at it shares a lock for an
    instant."""
    for _ in range(LOCK_ATTEMPTS):
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOCK_PAUSE)
    return False


def load_local_admin(settings: Settings) -> LocalAdmin | None:
    """Return the admin key in the data folder, created at the first call, if other machines could
    create databases without it; None if keys are set, or only this machine can reach the service.

    Raises StartupError if that is so and replicas share a registry: each would make its own key.
    """
    problem = find_open_access(settings)
    if problem is None:
        return None
    if settings.registry_url:
        raise StartupError(problem)
    file = open_data_folder(settings.data_dir) / KEY_FILE
    return LocalAdmin(file, _read_or_create_key(file))


def _read_or_create_key(file: Path) -> Secret:
    """Return the key; the first of two concurrent calls decides."""
    with translate_errors(file.parent):
        if not file.exists():
            create_secret_file(file, KEY_PREFIX + secrets.token_hex(32))
    key = _read_key(file)
    if len(key) < MIN_KEY_LENGTH or not key.isprintable() or " " in key:
        raise StartupError(
            f"{file} is damaged: restore the key to it, or remove the file; the next start makes a "
            "new key."
        )
    return Secret(key)


def _read_key(file: Path) -> str:
    """Return the text, and close the file to other users. A symbolic link is not followed: the key
    would be where others may read it."""
    try:
        with open_private_file(file) as descriptor:
            os.fchmod(descriptor, 0o600)
            return os.read(descriptor, MAX_SIZE).decode("ascii", errors="ignore").strip()
    except OSError as error:
        raise StartupError(
            f"{file} cannot be used ({error.strerror or error}): make it a file of the user that "
            "runs pgvend, not a link, or remove it; the next start makes a new key."
        ) from error
