"""Environments of pgvend: every provider, with its records in every kind of registry."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres.scram import scram_verifier
from domain.secrets import Secret
from entrypoints.neon_emulator.state.faults import How
from tests.support.leak_checks.scenario import Age, Trouble
from tests.support.leak_checks.secret_search import Canary, Net
from tests.support.legacy_clients import superuser_of
from tests.support.neon.emulator import RunningEmulator, turned
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer, operators_server
from tests.support.service import RunningService

AGED = timedelta(minutes=1)
"""How long ago a database expired."""

TOO_MANY = 12
"""Consecutive 503 answers; a call retries eight times."""

TELLING_ALL = {"log_statement": "all", "log_min_error_statement": "debug5", "log_duration": "on"}

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """`begun` is called after every start of the service, and `harvest` after its end. `pids` are
    processes of servers that it uses. `evidence` has to be found: it proves that the logs are
    complete."""

    settings: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    expire: Age | None = None
    begun: Callable[[RunningService], Awaitable[None]] = nothing
    harvest: Callable[[Net], Awaitable[None]] = nothing
    pids: list[int] = field(default_factory=list)
    evidence: tuple[bytes, ...] = (b'"event": "http.request"',)


@asynccontextmanager
async def in_memory(_: Net, __: Path) -> AsyncIterator[Environment]:
    yield Environment(settings={"PGVEND_PROVIDER": "memory"})


@asynccontextmanager
async def bundled(_: Net, folder: Path) -> AsyncIterator[Environment]:
    """With the records in a file. The server's log is in the data folder."""

    data = folder / "embedded" / "data"

    async def log_all(_: RunningService) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in TELLING_ALL.items()]
        (data / "postgresql.auto.conf").write_text("".join(lines))
        async with session(superuser_of(folder)) as other:
            await other.execute("SELECT pg_reload_conf()")

    yield Environment(
        settings={"PGVEND_PROVIDER": "embedded"},
        troubles=(shut_out(lambda: superuser_of(folder), "pgvend_admin"),),
        expire=aged_in_file(folder),
        begun=log_all,
        evidence=(b"statement: ALTER ROLE", b"PASSWORD 'SCRAM-SHA-256$", b"CREATE DATABASE"),
    )


@asynccontextmanager
async def on_a_server(net: Net, _: Path) -> AsyncIterator[Environment]:
    """With the records on the same server."""
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

        yield Environment(
            settings={
                "PGVEND_PROVIDER": "postgres",
                "PGVEND_POSTGRES_ADMIN_DSN": _dsn(server, "keeper", admin, "postgres"),
                "PGVEND_REGISTRY_URL": _dsn(server, "registrar", registrar, "records"),
            },
            troubles=(
                another_password(superuser, "keeper", admin),
                another_password(superuser, "registrar", registrar),
            ),
            expire=aged_on(server),
            harvest=harvest,
            evidence=(b"PASSWORD 'SCRAM-SHA-256$", b"INSERT INTO databases", b"CREATE DATABASE"),
            pids=[int((server.data / "postmaster.pid").read_text().splitlines()[0])],
        )


def on_neon(
    neon: RunningEmulator, isolation: str
) -> Callable[[Net, Path], AbstractAsyncContextManager[Environment]]:
    """Neon's own logs are not checked: Neon requires passwords in plain text."""

    @asynccontextmanager
    async def environment(net: Net, folder: Path) -> AsyncIterator[Environment]:
        net.canaries.append(Canary("Neon's key", neon.key))
        owner = (await neon.client.uri("neondb_owner", "neondb")).split(":")[2].split("@")[0]
        net.canaries.append(Canary("the branch's admin's password", owner))
        yield Environment(
            settings={
                "PGVEND_PROVIDER": "neon",
                "PGVEND_NEON_ISOLATION": isolation,
                "NEON_PROJECT_ID": neon.project_id,
                "NEON_BRANCH_ID": neon.branch_id,
                "NEON_HOST": neon.host,
                "NEON_API_KEY": neon.key,
                "NEON_API_URL": neon.url,
            },
            troubles=(neon_failures(neon),),
            expire=aged_in_file(folder),
        )

    return environment


async def _employ(server: OperatorsServer, admin: str, registrar: str) -> None:
    """Create the roles with verifiers: statements of the operator must not leak the secrets."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        for role, password in (("keeper", admin), ("registrar", registrar)):
            await superuser.execute(f"CREATE ROLE {role} LOGIN CREATEDB CREATEROLE")
            await give_password(superuser, role, password)
            await superuser.execute(f"GRANT CONNECT ON DATABASE postgres TO {role}")
        await superuser.execute("CREATE DATABASE records OWNER registrar")
        await superuser.execute("REVOKE CONNECT, TEMPORARY ON DATABASE records FROM PUBLIC")


def _dsn(server: OperatorsServer, user: str, password: str, database: str) -> str:
    return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{server.port}/{database}"


async def give_password(superuser: asyncpg.Connection, role: str, password: str) -> None:
    verifier = await scram_verifier(Secret(password))
    await superuser.execute(f"ALTER ROLE {role} PASSWORD '{verifier}'")


def another_password(superuser: Login, role: str, password: str) -> Trouble:
    """The server refuses the login that pgvend was given."""
    return _refused(
        lambda: superuser,
        role,
        lambda other: give_password(other, role, "another one"),
        lambda other: give_password(other, role, password),
    )


def shut_out(superuser: Callable[[], Login], role: str) -> Trouble:
    """The server refuses the role's logins."""
    return _refused(
        superuser,
        role,
        lambda other: other.execute(f"ALTER ROLE {role} NOLOGIN"),
        lambda other: other.execute(f"ALTER ROLE {role} LOGIN"),
    )


Change = Callable[[asyncpg.Connection], Awaitable[object]]


def _refused(superuser: Callable[[], Login], role: str, refuse: Change, let_in: Change) -> Trouble:
    """Refuse the role's logins, and end its sessions."""
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"

    @asynccontextmanager
    async def trouble() -> AsyncIterator[None]:
        async with session(superuser()) as other:
            await refuse(other)
            await other.execute(end)
            try:
                yield
            finally:
                await let_in(other)

    return trouble


def neon_failures(neon: RunningEmulator) -> Trouble:
    """One fault of each kind, which retries overcome, then more than they can overcome."""

    @asynccontextmanager
    async def trouble() -> AsyncIterator[None]:
        async with turned(neon):
            for how in (How.LOST_AFTER, How.GATEWAY_HTML, How.GARBAGE, How.RESET_BEFORE):
                neon.fault("*", how)
            neon.fault("*", How.UNAVAILABLE, times=TOO_MANY)
            yield

    return trouble


def aged_in_file(folder: Path) -> Age:
    async def expire(database_id: str) -> None:
        moment = f"{datetime.now(UTC) - AGED:%Y-%m-%d %H:%M:%S.%f}"
        with closing(sqlite3.connect(folder / "registry.sqlite3", timeout=20)) as registry:
            registry.execute(
                "UPDATE databases SET expires_at = ?, wake_at = ? WHERE id = ?",
                (moment, moment, database_id),
            )
            registry.commit()

    return expire


def aged_on(server: OperatorsServer) -> Age:
    async def expire(database_id: str) -> None:
        async with session({"dsn": server.dsn("postgres", "records")}) as other:
            await other.execute(
                "UPDATE databases SET expires_at = $1, wake_at = $1 WHERE id = $2",
                datetime.now(UTC) - AGED,
                database_id,
            )

    return expire
