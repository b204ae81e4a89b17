"""The data folder, and the secrets in it."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from domain.errors import StartupError
from domain.secret_strength import MIN_LENGTH
from domain.secrets import Secret
from entrypoints.config.local_key import ADDRESS_FILE, KEY_FILE
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings

OWN_FILES = {"secret", "embedded", "registry.sqlite3", KEY_FILE}
"""Entries that identify a data folder of pgvend."""

TOLERATED_PREFIXES = ("lost+found", ".secret.", "registry.sqlite3", KEY_FILE)
"""Beginnings of the names of other entries that a data folder can have."""

CONTENTS = {
    "secret": "the secret, from which passwords are derived",
    ".secret.*": "an unfinished file",
    "registry.sqlite3": "the records",
    "registry.sqlite3-wal": "the newest records",
    "registry.sqlite3-shm": "an index of the newest records",
    "registry.sqlite3-journal": "an unfinished change of the records",
    "registry.sqlite3.lock": "a lock file",
    KEY_FILE: "the admin key",
    ADDRESS_FILE: "the address of the service",
    "embedded": "the bundled PostgreSQL server, with its databases",
}
"""All files that pgvend creates in its folder, by patterns of their names."""

LOCKS = (
    PurePath("embedded", "lock"),
    PurePath(ADDRESS_FILE),
    PurePath("registry.sqlite3.lock"),
)
"""The files that a running service locks, if it uses them."""


def load_service_secret(settings: Settings) -> Secret:
    """Return the service's secret, from PGVEND_SECRET or the data folder.

    Creates the data folder if it will be used, and a missing secret. Raises StartupError.
    """
    configured = settings.secret and Secret(settings.secret.get_secret_value())
    uses_folder = settings.provider is ProviderName.EMBEDDED or settings.registry_file
    if configured and not uses_folder:
        return configured
    folder = open_data_folder(settings.data_dir)
    return configured or read_or_create_secret(folder)


def open_data_folder(folder: Path) -> Path:
    """Create the folder if it is missing, close it to other users, and return its absolute path.
    Raises StartupError."""
    with translate_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign_folder(folder)
        folder.chmod(0o700)
        return folder.resolve()


def read_or_create_secret(folder: Path) -> Secret:
    """Return the secret in `folder`; create it at the first call. The first of two concurrent calls
    decides.

    Raises StartupError if it is too short: passwords could be guessed.
    """
    file = folder / "secret"
    with translate_errors(folder):
        if not file.exists():
            create_secret_file(file, secrets.token_hex(32))
        text = file.read_text("ascii", errors="ignore").strip()
    if len(text) < MIN_LENGTH:
        raise StartupError(
            f"{file} is damaged: restore the old secret to it. If it is lost, remove the file and "
            "rotate the passwords of all databases."
        )
    return Secret(text)


def find_secret(settings: Settings) -> Secret | None:
    """Return the secret that `load_service_secret` returns; None if that would create one.
    Raises StartupError."""
    if settings.secret:
        return Secret(settings.secret.get_secret_value())
    with translate_errors(settings.data_dir):
        exists = (settings.data_dir / "secret").exists()
    return read_or_create_secret(settings.data_dir) if exists else None


@contextmanager
def translate_errors(folder: Path) -> Iterator[None]:
    """Raise StartupError instead of OSError."""
    try:
        yield
    except OSError as error:
        raise StartupError(
            f"The data folder {folder} cannot be used ({error.strerror}): set PGVEND_DATA_DIR to "
            "a folder that pgvend can write to."
        ) from error


def refuse_foreign_folder(folder: Path) -> None:
    """Refuse a folder of something else, such as `/tmp`, because pgvend closes its folder to other
    users. Raises StartupError."""
    names = {entry.name for entry in folder.iterdir()}
    foreign = {name for name in names - OWN_FILES if not name.startswith(TOLERATED_PREFIXES)}
    if foreign and names.isdisjoint(OWN_FILES):
        raise StartupError(
            f"{folder} holds files that are not pgvend's: set PGVEND_DATA_DIR to a new folder."
        )


def create_secret_file(file: Path, secret: str) -> None:
    """Create a file of mode 0600 with the secret, completely or not at all. Leave one that exists:
    another process was faster, and its secret is used. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=".secret.", dir=file.parent)  # mode 0600
    try:
        with open(descriptor, "w") as file_object:
            file_object.write(f"{secret}\n")
            file_object.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        os.unlink(temporary)
