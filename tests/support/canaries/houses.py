"""Where pgvend can work: over every provider, with its records in every place."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from adapters.postgres.sessions import Login
from tests.support.canaries.life import Age, Trouble
from tests.support.canaries.net import Canary, Net
from tests.support.canaries.troubles import (
    aged_in_file,
    aged_on,
    another_password,
    faults,
    give_password,
    shut_out,
)
from tests.support.neon.emulator import RunningEmulator
from tests.support.places import session
from tests.support.servers import OperatorsServer, operators_server
from tests.support.service import RunningService

TELLING_ALL = {"log_statement": "all", "log_min_error_statement": "debug5", "log_duration": "on"}


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def nothing(*_: object) -> None:
    """Where there is nothing to do."""


@dataclass(frozen=True, kw_only=True)
class House:
    """`begun` is called whenever the service has started, and `harvest` when it has ended; `pids`
    are of servers that it works with. `evidence` is what has to be found somewhere: proof that
    those whose logs are read have told all."""

    settings: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    age: Age | None = None
    begun: Callable[[RunningService], Awaitable[None]] = nothing
    harvest: Callable[[Net], Awaitable[None]] = nothing
    pids: list[int] = field(default_factory=list)
    evidence: tuple[bytes, ...] = (b'"event": "http.request"',)


@asynccontextmanager
async def in_memory(_: Net, __: Path) -> AsyncIterator[House]:
    yield House(settings={"PGVEND_PROVIDER": "memory"})


@asynccontextmanager
async def bundled(_: Net, folder: Path) -> AsyncIterator[House]:
    """With the records in a file; the server's log is in the data folder."""

    def superuser() -> Login:
        data = folder / "embedded" / "data"
        port = int((data / "postmaster.pid").read_text().splitlines()[3])
        return {"host": str(data), "port": port, "user": "postgres", "database": "postgres"}

    async def log_all(_: RunningService) -> None:
        async with session(superuser()) as other:
            for name, value in TELLING_ALL.items():
                await other.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            await other.execute("SELECT pg_reload_conf()")

    yield House(
        settings={"PGVEND_PROVIDER": "embedded"},
        troubles=(shut_out(superuser, "pgvend_admin"),),
        age=aged_in_file(folder),
        begun=log_all,
        evidence=(b"statement: ALTER ROLE", b"PASSWORD 'SCRAM-SHA-256$", b"CREATE DATABASE"),
    )


@asynccontextmanager
async def on_a_server(net: Net, _: Path) -> AsyncIterator[House]:
    """With the records on it too."""
    async with operators_server(18, **TELLING_ALL) as server:
        admin = net.marked("the admin's password")
        registrar = net.marked("the registry's password")
        superuser: Login = {"dsn": server.superuser_dsn}
        await _employ(server, admin, registrar)

        async def harvest(net: Net) -> None:
            net.add("in the server's log", (server.data.parent / "log").read_bytes())
            async with session({"dsn": server.dsn("postgres", "records")}) as other:
                for (table,) in await other.fetch(_TABLES):
                    rows = await other.fetch(f'SELECT t::text FROM "{table}" AS t')
                    net.add(f"in the table {table}", "\n".join(row[0] for row in rows))

        yield House(
            settings={
                "PGVEND_PROVIDER": "postgres",
                "PGVEND_POSTGRES_ADMIN_DSN": _dsn(server, "keeper", admin, "postgres"),
                "PGVEND_REGISTRY_URL": _dsn(server, "registrar", registrar, "records"),
            },
            troubles=(
                another_password(superuser, "keeper", admin),
                another_password(superuser, "registrar", registrar),
            ),
            age=aged_on(server),
            harvest=harvest,
            evidence=(b"PASSWORD 'SCRAM-SHA-256$", b"INSERT INTO databases", b"CREATE DATABASE"),
            pids=[int((server.data / "postmaster.pid").read_text().splitlines()[0])],
        )


def on_neon(
    neon: RunningEmulator, isolation: str
) -> Callable[[Net, Path], AbstractAsyncContextManager[House]]:
    """Its own logs are Neon's affair: it wants passwords in plain text."""

    @asynccontextmanager
    async def house(net: Net, folder: Path) -> AsyncIterator[House]:
        net.canaries.append(Canary("Neon's key", neon.key))
        owner = (await neon.client.uri("neondb_owner", "neondb")).split(":")[2].split("@")[0]
        net.canaries.append(Canary("the branch's admin's password", owner))
        yield House(
            settings={
                "PGVEND_PROVIDER": "neon",
                "PGVEND_NEON_ISOLATION": isolation,
                "NEON_PROJECT_ID": neon.project_id,
                "NEON_BRANCH_ID": neon.branch_id,
                "NEON_HOST": neon.host,
                "NEON_API_KEY": neon.key,
                "NEON_API_URL": neon.url,
            },
            troubles=(faults(neon),),
            age=aged_in_file(folder),
        )

    return house


async def _employ(server: OperatorsServer, admin: str, registrar: str) -> None:
    """By verifiers: what the operator tells the server is none of pgvend's secrets."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        for role, password in (("keeper", admin), ("registrar", registrar)):
            await superuser.execute(f"CREATE ROLE {role} LOGIN CREATEDB CREATEROLE")
            await give_password(superuser, role, password)
            await superuser.execute(f"GRANT CONNECT ON DATABASE postgres TO {role}")
        await superuser.execute("CREATE DATABASE records OWNER registrar")
        await superuser.execute("REVOKE CONNECT, TEMPORARY ON DATABASE records FROM PUBLIC")


def _dsn(server: OperatorsServer, user: str, password: str, database: str) -> str:
    return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{server.port}/{database}"
