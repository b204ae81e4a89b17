"""`pgvend load`."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import DatabaseName, Verify
from entrypoints.cli.programs import find_program
from entrypoints.cli.sql_scripts import HEAD_SIZE, is_dump, omit_owners
from entrypoints.cli.tenant_programs import tenant_environment

STANDARD_INPUT = Path("-")

RESTORE_OPTIONS = ("--no-owner", "--no-privileges", "--no-tablespaces", "--file=-")
PSQL_OPTIONS = (
    "--no-psqlrc",
    "--quiet",
    "--set=ON_ERROR_STOP=1",
    "--single-transaction",
    "--file=-",
)

SCRIPT_FAILED = 3
"""The exit status of psql after an error in a script."""

_ARCHIVE, _TAR, _TAR_AT, _GZIP = b"PGDMP", b"ustar", 257, b"\x1f\x8b"

DumpFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="SQL, or a dump of pg_dump in any format; - is standard input."
    ),
]


def load(name: DatabaseName, file: DumpFile, verify: Verify = True) -> None:
    """Load SQL or a dump into a database, as its owner: everything, or nothing after an error.

    Owners, privileges and tablespaces in a dump are left out. The bundled psql and pg_restore are
    used if the machine has none, or older ones.
    """
    with report_errors(), open_source(file) as path:
        script = _detect(path)
        with tenant_environment(name, verify=verify) as environment:
            if script is None:
                with _restored(path) as lines:
                    _execute(omit_owners(lines), environment)
            else:
                with path.open("rb") as lines:
                    _execute(omit_owners(lines) if is_dump(script) else lines, environment)


@contextmanager
def open_source(file: Path) -> Iterator[Path]:
    """Yield the path of the dump; a temporary file for standard input."""
    if file != STANDARD_INPUT:
        yield file.absolute()  # a name like -x would be an option of pg_restore
        return
    with NamedTemporaryFile(prefix="pgvend-") as copy:
        copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _detect(path: Path) -> bytes | None:
    """Return the beginning of a script in SQL, None for an archive. Raises RequestError for
    anything else."""
    if (path / "toc.dat").is_file():
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.", ExitStatus.USAGE) from error
    if head.startswith(_ARCHIVE) or head[_TAR_AT:].startswith(_TAR):
        return None
    if head.startswith(_GZIP):
        raise RequestError(
            f"{path} is compressed: gunzip --stdout {path} | pgvend load NAME -", ExitStatus.USAGE
        )
    if b"\0" in head:
        raise RequestError(f"{path} is neither SQL nor a dump of pg_dump.", ExitStatus.USAGE)
    return head


@contextmanager
def _restored(path: Path) -> Iterator[Iterable[bytes]]:
    """Yield the lines of an archive as SQL. Raises RequestError at their end if pg_restore failed,
    so that nothing is committed."""
    command = [find_program("pg_restore"), *RESTORE_OPTIONS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            yield _read_all(process)
        finally:
            process.kill()


def _read_all(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    yield from process.stdout or ()
    if status := process.wait():
        raise RequestError(f"pg_restore failed with status {status}.")


def _execute(lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
    """Execute SQL in one transaction. Raises RequestError. After any error psql is killed before
    the end of its input, at which it would commit."""
    command = [find_program("psql"), *PSQL_OPTIONS]
    process = subprocess.Popen(  # noqa: S603
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        _write(lines, process)
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if status == SCRIPT_FAILED:
        raise RequestError("An error in the SQL: nothing was loaded.")
    if status:
        raise RequestError(f"psql failed with status {status}: see whether anything was loaded.")


def _write(lines: Iterable[bytes], process: subprocess.Popen[bytes]) -> None:
    """Write the input of psql, which stops at an error without reading the rest."""
    if process.stdin is None:
        return
    with suppress(BrokenPipeError):
        process.stdin.writelines(lines)
    with suppress(BrokenPipeError):
        process.stdin.close()
