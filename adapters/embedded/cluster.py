"""The folder of a PostgreSQL server: its data, port, lock and log."""

import fcntl
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.embedded.files import read_file, write_file
from adapters.embedded.listen_addresses import LOOPBACK, is_free
from domain.errors import StartupError
from domain.postgres_versions import Version
from domain.text import escape_unprintable

PORTS = range(20_000, 30_000)
"""Below the ephemeral ports: systems do not give these to outgoing connections, so that the chosen
port is still free at the next start."""

LOG_LIMIT = 10_000_000
"""The maximum size of the server's log in bytes, and of the previous log in `postgres.log.1`."""

_TAIL_BYTES = 10_000


@dataclass(frozen=True)
class Cluster:
    """The folder of a server, with mode 0700."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    @property
    def major(self) -> int:
        owner = self.data.stat().st_uid
        text = (read_file(self.data / "PG_VERSION", owner) or "").strip()
        if not (text.isascii() and text.isdigit()):
            raise StartupError(f"{self.data} holds PostgreSQL {text[:20]!r}, an unknown version.")
        return int(text)

    def check_major(self, programs: Path, version: Version) -> None:
        """Raise StartupError if `programs` of the `version` cannot read the data."""
        if self.major != version.major:
            raise StartupError(
                f"{self.data} holds PostgreSQL {self.major}, and the programs in {programs} are "
                f"PostgreSQL {version}: set PGVEND_EMBEDDED_PROGRAMS to the bin folder of a "
                f"PostgreSQL {self.major}, or dump the databases with it and load them into a new "
                "data folder (docs/providers/embedded.md)."
            )

    def lock(self) -> IO[bytes]:
        """Lock the folder until the returned file is closed. Raises StartupError when another
        process has it locked. The operating system releases the lock when the process ends, even by
        SIGKILL."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open(self.folder / "lock", "ab")  # noqa: SIM115 - stays open as long as the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StartupError(
                f"The data folder {self.folder.parent} is in use by another pgvend: stop that "
                "one, or set PGVEND_DATA_DIR to another folder."
            ) from None
        return file

    def check_owner(self, uid: int) -> None:
        """Raise StartupError if a server that runs as the user `uid` cannot read the data."""
        owner = self.data.stat().st_uid
        if owner != uid:
            raise StartupError(
                f"{self.data} belongs to user id {owner}, and PostgreSQL would run as {uid}: start "
                f"pgvend as the user who created it, or run `chown -R {uid} {self.data}`."
            )

    def choose_port(self, configured: int | None, addresses: Sequence[str] = LOOPBACK) -> int:
        """Return the port that connections name, and save it: `configured`, the saved port, or a
        random free port. Raises StartupError when another program uses it on one of the
        `addresses`, or when this machine lacks one of them."""
        port = configured or self.saved_port
        candidates = random.sample(PORTS, 1000)
        port = port or next(port for port in candidates if is_free(port, addresses))
        self.check_port(port, addresses)
        # atomically: logins need this file
        write_file(self.folder / "port", f"{port}\n", None)
        return port

    @property
    def saved_port(self) -> int | None:
        """The port in the folder, None before the first start. Raises StartupError when the file is
        damaged."""
        file = self.folder / "port"
        return _read_port(file) if file.exists() else None

    def check_port(self, port: int, addresses: Sequence[str] = LOOPBACK) -> None:
        """Raise StartupError if another program uses the port or this machine lacks an address."""
        for address in addresses:
            if not is_free(0, [address]):
                raise StartupError(
                    f"This machine does not have the address {address}: set "
                    "PGVEND_EMBEDDED_LISTEN to addresses that it has, or to * for all."
                )
            if not is_free(port, [address]):
                raise StartupError(
                    f"Port {port} on {address} is in use by another program, and connections to "
                    f"the databases of {self.folder.parent} name it: stop that program, or set "
                    "PGVEND_EMBEDDED_PORT (existing credentials name the old port)."
                )

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def open_log(self) -> IO[bytes]:
        """Open the log to append to it, after `shorten_log`."""
        self.shorten_log()
        return open(self.log, "ab", opener=_open_private)

    def append_log(self, text: bytes) -> None:
        """Append at most LOG_LIMIT bytes. If the log would become longer than that, first move it
        to `postgres.log.1`."""
        with open(self.log, "ab", opener=_open_private) as log:
            if log.tell() + len(text) <= LOG_LIMIT:
                log.write(text)
                return
        self.log.replace(self._previous_log)
        with open(self.log, "ab", opener=_open_private) as log:
            log.write(text)

    def shorten_log(self) -> None:
        """Move the end of a log that is too long to `postgres.log.1`: earlier releases did not
        limit it."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            with (
                open(self.log, "rb+") as log,
                open(self._previous_log, "wb", opener=_open_private) as previous,
            ):
                log.seek(-LOG_LIMIT, os.SEEK_END)
                previous.write(log.read(LOG_LIMIT))
                log.truncate(0)

    def read_log_tail(self) -> str:
        """Return the last lines of the log, for a message about a server that does not start."""
        with open(self.log, "ab+", opener=_open_private) as log:
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-5:]
        return "\n".join(map(escape_unprintable, lines))

    @property
    def _previous_log(self) -> Path:
        return self.log.with_suffix(".log.1")


def _open_private(path: str | Path, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def _read_port(file: Path) -> int:
    text = file.read_text(errors="replace").strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise StartupError(
            f"{file} is damaged: set PGVEND_EMBEDDED_PORT to the port that existing credentials "
            "name, or remove the file to choose a new port."
        )
    return int(text)
