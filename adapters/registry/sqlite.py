"""A registry in one file: for one process, with nothing to install."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Connection, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError

from adapters.registry.migration import migrate
from adapters.registry.threads import ThreadedEngine
from domain.errors import StartupError

LOCK_TIMEOUT = 5.0
"""Seconds to wait for another program that locks the file."""

READ_CONNECTIONS = 4


@contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Lock the file for this process. Raises StartupError when another process has it locked. The
    operating system releases the lock when the process ends, even by SIGKILL."""
    with _open_file(file.with_name(f"{file.name}.lock")) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(
                f"The data folder {file.parent} is in use by another pgvend: stop that one, set "
                "PGVEND_DATA_DIR to another folder, or set PGVEND_REGISTRY_URL to a PostgreSQL "
                "database that both share."
            ) from None
        yield


def prepare(file: Path, lock_timeout: float) -> None:
    """Create the file if it is missing, with mode 0600; check and migrate it."""
    with _open_file(file) as opened:
        os.fchmod(opened.fileno(), 0o600)
    engine = create_engine(_url(file), poolclass=NullPool, **_engine_options(lock_timeout))
    with engine.connect() as connection:
        _check_file(connection, file)
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("PRAGMA synchronous = FULL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)
        connection.exec_driver_sql("COMMIT")


def create_registry_engine(
    file: Path, *, connections: int, lock_timeout: float = LOCK_TIMEOUT
) -> ThreadedEngine:
    engine = create_engine(
        _url(file), pool_size=connections, max_overflow=0, **_engine_options(lock_timeout)
    )
    event.listen(engine, "connect", _set_durability)
    return ThreadedEngine(engine, connections)


def _engine_options(lock_timeout: float) -> dict[str, Any]:
    return {
        "isolation_level": "AUTOCOMMIT",
        "hide_parameters": True,
        "connect_args": {"timeout": lock_timeout},
    }


def _set_durability(connection: DBAPIConnection, _: object) -> None:
    """Let commits survive a loss of power: in WAL mode not every build does that by default."""
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    finally:
        cursor.close()


def _check_file(connection: Connection, file: Path) -> None:
    try:
        result = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except OperationalError:  # for example, it is locked
        raise
    except DatabaseError:
        result = "not a database"
    if result != "ok":
        raise StartupError(
            f"The registry is damaged: move {file}* away and restore a backup. Without a backup, "
            "start without these files: pgvend finds existing databases and imports them."
        )


@contextmanager
def _open_file(file: Path) -> Iterator[IO[bytes]]:
    """Open the file, and create it with mode 0600 when it is missing. Raises StartupError."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartupError(
            f"The registry {file} cannot be written ({error.strerror}): set PGVEND_DATA_DIR to a "
            "folder that pgvend may write to."
        ) from error
    with open(descriptor, "ab") as opened:
        yield opened


def _url(file: Path) -> URL:
    return URL.create("sqlite+pysqlite", database=str(file))
