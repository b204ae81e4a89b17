"""`pgvend dump`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Annotated, Any

import typer

from entrypoints.cli.errors import ExitStatus, RequestError, report_errors
from entrypoints.cli.options import DatabaseName, Verify
from entrypoints.cli.programs import find_program
from entrypoints.cli.tenant_programs import tenant_environment

OPTIONS = ("--no-owner", "--no-privileges")
"""Another database has another owner."""


class DumpFormat(StrEnum):
    PLAIN = "plain"
    CUSTOM = "custom"
    TAR = "tar"


OutputFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="The file to write; without it, the output."),
]
Format = Annotated[
    DumpFormat, typer.Option("--format", "-F", help="SQL, or an archive for pg_restore.")
]
Arguments = Annotated[list[str] | None, typer.Argument(help="Arguments for pg_dump, after --.")]


def dump(
    name: DatabaseName,
    arguments: Arguments = None,
    file: OutputFile = None,
    form: Format = DumpFormat.PLAIN,
    verify: Verify = True,
) -> None:
    """Dump a database with pg_dump, without owners and privileges, for `pgvend load`.

    The bundled pg_dump is used if the machine has none, or an older one. A file is complete, or not
    changed.
    """
    with report_errors():
        if file is None and form is not DumpFormat.PLAIN and sys.stdout.isatty():
            raise RequestError("An archive is not text: add --file FILE.", ExitStatus.USAGE)
        program = find_program("pg_dump")
        command = [program, *OPTIONS, f"--format={form}", *(arguments or [])]
        with tenant_environment(name, verify=verify) as environment, _open(file) as output:
            status = subprocess.run(command, env=environment, stdout=output, check=False).returncode  # noqa: S603
            if status:
                raise RequestError(f"pg_dump failed with status {status}.")


@contextmanager
def _open(file: Path | None) -> Iterator[IO[Any] | None]:
    """Yield a file that replaces `file` after success, or None for standard output. Others cannot
    read it. Raises RequestError."""
    if file is None:
        yield None
        return
    file = file.resolve()
    try:
        if file.exists() and not file.is_file():  # a device or a pipe, which must not be replaced
            with file.open("wb") as output:
                yield output
            return
        with NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as output:
            try:
                yield output
                os.replace(output.name, file)
            except BaseException:
                os.unlink(output.name)
                raise
    except OSError as error:
        raise RequestError(f"{file} cannot be written: {error.strerror}.") from error
