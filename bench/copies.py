"""Other ways to a database with data: copies by hand, pg_restore, pytest-postgresql."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from secrets import token_hex

from adapters.embedded.binaries import BUNDLED
from adapters.postgres.sessions import open_session
from bench.server import SharedServer, create_statements
from bench.turns import Undo

SOURCE = "bench_source"
PYTHON = Path(__file__).parents[1] / ".venv" / "bench-python" / "bin" / "python"
PROGRAM = Path(__file__).with_name("programs") / "with_pytest_postgresql.py"


@dataclass(frozen=True)
class Copies:
    """Copies of the admin's database SOURCE, and of its dump in a file."""

    server: SharedServer
    dump: Path

    async def copy(self) -> Undo:
        """Copy the database by hand, without a login of its own."""
        name = f"bench_{token_hex(8)}"
        await self.server.execute(f"CREATE DATABASE {name} TEMPLATE {SOURCE} STRATEGY FILE_COPY")
        return partial(self.server.execute, f"DROP DATABASE {name}")

    async def restore(self) -> Undo:
        """Create a tenant, and restore the dump into its database as the tenant."""
        name, password = f"bench_{token_hex(8)}", token_hex(12)
        await self.server.execute(*await create_statements(name, password))
        server = self.server.server
        login = ("-h", server.public_host, "-p", str(server.public_port), "-U", name, "-d", name)
        await run_program(
            "pg_restore", *login, "--no-owner", "-j", "2", self.dump, PGPASSWORD=password
        )
        return partial(self.server.drop_tenant, name)


@asynccontextmanager
async def open_copies(server: SharedServer, folder: Path, schema: str) -> AsyncIterator[Copies]:
    """Create SOURCE by the statements of `schema`, and its dump in the folder."""
    await server.execute(f"CREATE DATABASE {SOURCE} TEMPLATE template0")
    async with open_session({**server.server.admin, "database": SOURCE}) as session:
        await session.execute(f"SET search_path = public; {schema}")
    dump = folder / "dump"
    await run_program("pg_dump", *admin_login(server), "-d", SOURCE, "-Fc", "-f", dump)
    yield Copies(server, dump)


def admin_login(server: SharedServer) -> tuple[str, ...]:
    admin = server.server.admin
    return ("-h", admin["host"], "-p", str(admin["port"]), "-U", admin["user"])


async def run_program(name: str, *arguments: str | Path, **environment: str) -> None:
    """Run one of PostgreSQL's programs. Raise RuntimeError if it fails."""
    program = BUNDLED.find_programs() / name
    process = await asyncio.create_subprocess_exec(
        program, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{name}: {errors.decode()}")


@dataclass(frozen=True)
class PytestPostgresql:
    """Creates databases by the program."""

    process: Process
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def create(self) -> Undo:
        await self._exchange(b"create\n")
        return partial(self._exchange, b"drop\n")

    async def _exchange(self, line: bytes) -> None:
        if not self.process.stdin or not self.process.stdout:
            raise RuntimeError("the program has no pipes")
        async with self.turn:
            self.process.stdin.write(line)
            if not await self.process.stdout.readline():
                raise RuntimeError("pytest-postgresql failed; see above")


@asynccontextmanager
async def open_pytest_postgresql(server: SharedServer) -> AsyncIterator[PytestPostgresql]:
    admin = server.server.admin
    arguments = (admin["host"], str(admin["port"]), admin["user"], SOURCE)
    process = await asyncio.create_subprocess_exec(
        PYTHON, PROGRAM, *arguments, stdin=PIPE, stdout=PIPE
    )
    try:
        yield PytestPostgresql(process)
    finally:
        process.kill()
        await process.wait()
