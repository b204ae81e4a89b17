"""pgvend's own folder, and the secret in it."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import StartupError
from domain.guessing import SHORTEST
from domain.secret import Secret
from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings

OURS = {"secret", "embedded", "registry.sqlite3"}
"""What makes a folder a data folder of ours."""

BESIDE = ("lost+found", ".secret.", "registry.sqlite3")
"""What the names of all else begin with that may be in it."""


def service_secret(settings: Settings) -> Secret:
    """The secret behind passwords and marks: the operator's, or one of the data folder's own.

    Makes the data folder ready where something will be in it. Raises StartupError.
    """
    given = settings.secret and Secret(settings.secret.get_secret_value())
    uses_folder = settings.provider is ProviderName.EMBEDDED or settings.registry_file
    if given and not uses_folder:
        return given
    folder = open_data_folder(settings.data_dir)
    return given or kept_secret(folder)


def open_data_folder(folder: Path) -> Path:
    """The folder, absolute, made when missing, for us alone. Raises StartupError."""
    with _usable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign(folder)
        folder.chmod(0o700)
        return folder.resolve()


def kept_secret(folder: Path) -> Secret:
    """The secret in `folder`, made at the first call; of two racing ones the first stays.

    Raises StartupError when it is there and too short: passwords would be guessable.
    """
    file = folder / "secret"
    with _usable(folder):
        if not file.exists():
            _make_secret(file)
        text = file.read_text("ascii", errors="ignore").strip()
    if len(text) < SHORTEST:
        raise StartupError(
            f"{file} is damaged: put the old secret back into it. Without that, remove it, and "
            "rotate the passwords of the databases made so far."
        )
    return Secret(text)


def found_secret(settings: Settings) -> Secret | None:
    """The secret that `service_secret` would give; None where it would make one. Raises
    StartupError."""
    if settings.secret:
        return Secret(settings.secret.get_secret_value())
    with _usable(settings.data_dir):
        is_kept = (settings.data_dir / "secret").exists()
    return kept_secret(settings.data_dir) if is_kept else None


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartupError(
            f"The data folder {folder} cannot be used ({error.strerror}): set PGVEND_DATA_DIR to "
            "a folder that pgvend may write to."
        ) from error


def refuse_foreign(folder: Path) -> None:
    """Closing somebody else's folder to everybody, `/tmp` say, would be a bad surprise. Raises
    StartupError."""
    names = {entry.name for entry in folder.iterdir()}
    foreign = {name for name in names - OURS if not name.startswith(BESIDE)}
    if foreign and names.isdisjoint(OURS):
        raise StartupError(
            f"{folder} holds other things than pgvend's: set PGVEND_DATA_DIR to a new folder."
        )


def _make_secret(file: Path) -> None:
    descriptor, unfinished = tempfile.mkstemp(prefix=".secret.", dir=file.parent)  # mode 0600
    try:
        with open(descriptor, "w") as opened:
            opened.write(secrets.token_hex(32) + "\n")
            opened.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another service was faster, and its secret counts
            os.link(unfinished, file)
    finally:
        os.unlink(unfinished)
