"""Execution of pg_dump, within limits of time and size."""

import asyncio
import os
import signal
import ssl
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from structlog.stdlib import BoundLogger

from adapters.driver.connector import Login, addresses_from_login
from adapters.driver.tls import SYSTEM_AUTHORITIES, VERIFYING_MODES, Tls
from adapters.postgres.child_processes import end_with_parent
from adapters.postgres.exports.folder import Part
from adapters.postgres.sessions import APPLICATION, TENANT_SETTING_OVERRIDES
from domain.errors import ExportFailed, StartupError
from domain.sizes import format_size
from ports.driven.cancellation import run_to_completion

LOCK_TIMEOUT = "60s"
"""How long pg_dump waits for the lock of a table. Only a prepared transaction can hold one."""

MAX_OUTPUT = 2000
"""Characters of pg_dump's messages that are logged."""

BLOCK = 512
"""Bytes of a block of the shell's `ulimit -f`."""

_LIMITED = """
{ echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null
ulimit -f "$1"; shift; exec "$@"
"""
"""A shell script that runs a program whose files cannot exceed a number of blocks. If there is no
memory left, Linux ends this program before pgvend and PostgreSQL: a tenant can make it large."""

_REASONS: Mapping[str, str] = {
    "No space left": "The disk of the export folder is full.",
    "Disk quota exceeded": "The disk of the export folder is full.",
    "server version mismatch": "pg_dump is older than the server: install one of its version.",
    "row-level security": "A table forces row-level security on its owner, which hides rows.",
    "permission denied": "The database has objects of other roles that its owner cannot read.",
    "too many connections": "Another session was in the database first.",
    "lock timeout": "A prepared transaction locks a table.",
    "connection to server": "pg_dump cannot log in to the server.",
}
"""Reasons by words of pg_dump's messages, which are in English, and of the server's."""


@dataclass(frozen=True)
class PgDump:
    """The program, and its limits: seconds and bytes."""

    program: Path
    time_limit: float
    size_limit: int
    log: BoundLogger

    async def run(self, login: Login, owner: str, part: Part) -> None:
        """Dump the database of the login as the role `owner`, in the custom format. Raises
        ExportFailed; the program has ended then, and after a cancellation."""
        with TemporaryDirectory(prefix="pgvend-") as folder:
            environment = create_environment(login, Path(folder))
            started: list[Process] = []  # a cancelled call starts the program too
            try:
                await run_to_completion(self._start(owner, environment, part, started))
                async with asyncio.timeout(self.time_limit):
                    messages = await _read_messages(started[0])
                    status = await started[0].wait()
            except TimeoutError:
                raise ExportFailed("The dump took longer than PGVEND_EXPORT_TIMEOUT.") from None
            finally:
                for process in started:
                    await run_to_completion(_kill(process))
        if status:
            self.log.warning("export.pg_dump", status=status, messages=messages)
            raise ExportFailed(self._explain(messages, part))

    async def _start(
        self, owner: str, environment: Mapping[str, str], part: Part, started: list[Process]
    ) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._build_command(owner),
                env=environment,
                cwd="/",
                stdin=DEVNULL,
                stdout=part.descriptor,
                stderr=PIPE,
                start_new_session=True,  # Ctrl-C is for pgvend
            )
        except OSError as error:
            raise ExportFailed(f"pg_dump cannot be started: {error.strerror}.") from error
        started.append(process)

    def _build_command(self, owner: str) -> Sequence[str]:
        limited = ("/bin/sh", "-c", _LIMITED, "sh", str(self.size_limit // BLOCK))
        options = ("--format=custom", f"--role={owner}", f"--lock-wait-timeout={LOCK_TIMEOUT}")
        return (
            *end_with_parent(signal.SIGKILL),
            *limited,
            str(self.program),
            "--no-password",
            *options,
        )

    def _explain(self, messages: str, part: Part) -> str:
        if part.size >= self.size_limit // BLOCK * BLOCK:
            return f"The dump exceeds PGVEND_EXPORT_MAX_SIZE, {format_size(self.size_limit)}."
        reasons = (reason for words, reason in _REASONS.items() if words in messages)
        return next(reasons, "pg_dump failed; the log has its messages.")


def check_login(admin: Login) -> None:
    """Check that pg_dump can log in as the admin does, but for the role. Raises StartupError."""
    tls: Tls | None = admin.get("tls")
    if tls and "sslpassword" in (tls.parameters or {}):  # no variable of libpq can hold it
        raise StartupError(
            "pg_dump cannot use an encrypted key for TLS: decrypt the sslkey of "
            "PGVEND_POSTGRES_ADMIN_DSN, or remove PGVEND_EXPORT_DIR."
        )


def create_environment(login: Login, folder: Path) -> dict[str, str]:
    """Return the environment of a program that logs in, and reads nothing else of libpq's variables
    and files. Certificate authorities are written to the folder."""
    hosts, ports = zip(*addresses_from_login(login), strict=True)
    settings = {**TENANT_SETTING_OVERRIDES, "statement_timeout": "0"}
    return {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C",
        "HOME": str(folder),
        "PGHOST": ",".join(hosts),
        "PGPORT": ",".join(map(str, ports)),
        "PGUSER": login["user"],
        "PGPASSWORD": login["password"],
        "PGDATABASE": login["database"],
        "PGTARGETSESSIONATTRS": login.get("target_session_attrs", "any"),
        "PGAPPNAME": APPLICATION,
        "PGCONNECT_TIMEOUT": "10",
        "PGGSSENCMODE": "disable",
        "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        **_tls_variables(login.get("tls"), folder),
    }


def _tls_variables(tls: Tls | None, folder: Path) -> Mapping[str, str]:
    if tls is None:
        return {"PGSSLMODE": "prefer"}
    variables = {"PGSSLMODE": tls.mode}
    if tls.root:
        file = folder / "root.pem"
        file.write_text(tls.root, "ascii")
        variables["PGSSLROOTCERT"] = str(file)
    elif tls.mode in VERIFYING_MODES:
        variables |= _system_authorities()
    for name in ("sslcert", "sslkey", "sslcrl"):
        if value := (tls.parameters or {}).get(name):
            variables[f"PG{name.upper()}"] = os.path.abspath(value)
    return variables


def _system_authorities() -> Mapping[str, str]:
    """Return the variables for the authorities that the operating system trusts; libpq then always
    verifies the host too. A bundled libpq does not know their place."""
    paths = ssl.get_default_verify_paths()
    places = {"SSL_CERT_FILE": paths.cafile, "SSL_CERT_DIR": paths.capath}
    known = {name: place for name, place in places.items() if place}
    return {"PGSSLROOTCERT": SYSTEM_AUTHORITIES, "PGSSLMODE": "verify-full", **known}


async def _read_messages(process: Process) -> str:
    """Return the end of the messages. Read all: a full pipe would stop the program."""
    tail, stream = b"", process.stderr
    while stream and (chunk := await stream.read(1 << 16)):
        tail = (tail + chunk)[-MAX_OUTPUT:]
    return tail.decode(errors="replace")


async def _kill(process: Process) -> None:
    """End the program if it runs. It has no children: the shell becomes pg_dump."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
