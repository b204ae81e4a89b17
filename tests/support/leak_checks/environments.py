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
from adapters.postgres.scram import create_scram_verifier
from domain.secrets import Secret
from entrypoints.neon_emulator.state.faults import How
from tests.support.leak_checks.scenario import Expire, Failure
from tests.support.leak_checks.secret_search import MarkedSecret, SecretSearch
from tests.support.legacy_clients import superuser_login
from tests.support.neon.emulator import RunningEmulator, override_behaviour
from tests.support.postgres_under_test import session
from tests.support.servers import OperatorsServer, operators_server
from tests.support.service import RunningService

EXPIRED_FOR = timedelta(minutes=1)
"""How long ago a database expired."""

FAILURES_IN_A_ROW = 12
"""Consecutive 503 answers; a call retries eight times."""

LOG_EVERYTHING = {"log_statement": "all", "log_min_error_statement": "debug5", "log_duration": "on"}

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


async def do_nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment of a service. `on_start` is called after every start of the service, and
    `collect` after its end. `pids` are processes of servers that it uses. `evidence` are texts that
    have to be found: they prove that the logs are complete."""

    settings: Mapping[str, Any]
    failures: tuple[Failure, ...] = ()
    expire: Expire | None = None
    on_start: Callable[[RunningService], Awaitable[None]] = do_nothing
    collect: Callable[[SecretSearch], Awaitable[None]] = do_nothing
    pids: list[int] = field(default_factory=list)
    evidence: tuple[bytes, ...] = (b'"event": "http.request"',)


@asynccontextmanager
async def in_memory(_: SecretSearch, __: Path) -> AsyncIterator[Environment]:
    yield Environment(settings={"PGVEND_PROVIDER": "memory"})


@asynccontextmanager
async def bundled(_: SecretSearch, folder: Path) -> AsyncIterator[Environment]:
    """The bundled server, with the records in a file. Its log is in the data folder."""
    data = folder / "embedded" / "data"

    async def log_all(_: RunningService) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in LOG_EVERYTHING.items()]
        (data / "postgresql.auto.conf").write_text("".join(lines))
        async with session(superuser_login(folder)) as other:
            await other.execute("SELECT pg_reload_conf()")

    yield Environment(
        settings={"PGVEND_PROVIDER": "embedded", "PGVEND_SPARES": "default=2"},
        failures=(disable_login(lambda: superuser_login(folder), "pgvend_admin"),),
        expire=expire_in_file(folder),
        on_start=log_all,
        evidence=(b"statement: ALTER ROLE", b"PASSWORD 'SCRAM-SHA-256$", b"CREATE DATABASE"),
    )


@asynccontextmanager
async def on_a_server(search: SecretSearch, _: Path) -> AsyncIterator[Environment]:
    """An operator's server that also has the records."""
    async with operators_server(18, **LOG_EVERYTHING) as server:
        admin = search.create_marked_secret("the admin's password")
        registrar = search.create_marked_secret("the registry's password")
        superuser: Login = {"dsn": server.superuser_dsn}
        await _create_roles(server, admin, registrar)

        async def collect(search: SecretSearch) -> None:
            search.add("in the server's log", (server.data.parent / "log").read_bytes())
            async with session({"dsn": server.dsn("postgres", "records")}) as other:
                for (table,) in await other.fetch(_TABLES):
                    rows = await other.fetch(f'SELECT t::text FROM "{table}" AS t')
                    search.add(f"in the table {table}", "\n".join(row[0] for row in rows))

        yield Environment(
            settings={
                "PGVEND_PROVIDER": "postgres",
                "PGVEND_SPARES": "default=2",
                "PGVEND_POSTGRES_ADMIN_DSN": _dsn(server, "keeper", admin, "postgres"),
                "PGVEND_REGISTRY_URL": _dsn(server, "registrar", registrar, "records"),
            },
            failures=(
                change_password(superuser, "keeper", admin),
                change_password(superuser, "registrar", registrar),
            ),
            expire=expire_on_server(server),
            collect=collect,
            evidence=(b"PASSWORD 'SCRAM-SHA-256$", b"INSERT INTO databases", b"CREATE DATABASE"),
            pids=[int((server.data / "postmaster.pid").read_text().splitlines()[0])],
        )


def on_neon(
    neon: RunningEmulator, isolation: str
) -> Callable[[SecretSearch, Path], AbstractAsyncContextManager[Environment]]:
    """Return an environment on Neon. Neon's own logs are not checked, because it requires passwords
    in plain text."""

    @asynccontextmanager
    async def environment(search: SecretSearch, folder: Path) -> AsyncIterator[Environment]:
        search.marked_secrets.append(MarkedSecret("Neon's key", neon.key))
        owner = (await neon.client.uri("neondb_owner", "neondb")).split(":")[2].split("@")[0]
        search.marked_secrets.append(MarkedSecret("the branch's admin's password", owner))
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
            failures=(fail_neon_requests(neon),),
            expire=expire_in_file(folder),
        )

    return environment


async def _create_roles(server: OperatorsServer, admin: str, registrar: str) -> None:
    """Create the roles with verifiers: statements of the operator must not leak the secrets."""
    async with session({"dsn": server.superuser_dsn}) as superuser:
        for role, password in (("keeper", admin), ("registrar", registrar)):
            await superuser.execute(f"CREATE ROLE {role} LOGIN CREATEDB CREATEROLE")
            await set_password(superuser, role, password)
            await superuser.execute(f"GRANT CONNECT ON DATABASE postgres TO {role}")
        await superuser.execute("CREATE DATABASE records OWNER registrar")
        await superuser.execute("REVOKE CONNECT, TEMPORARY ON DATABASE records FROM PUBLIC")


def _dsn(server: OperatorsServer, user: str, password: str, database: str) -> str:
    return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{server.port}/{database}"


async def set_password(superuser: asyncpg.Connection, role: str, password: str) -> None:
    verifier = await create_scram_verifier(Secret(password))
    await superuser.execute(f"ALTER ROLE {role} PASSWORD '{verifier}'")


def change_password(superuser: Login, role: str, password: str) -> Failure:
    """Return a failure: the server refuses pgvend's password."""
    return _refuse_login(
        lambda: superuser,
        role,
        lambda other: set_password(other, role, "another one"),
        lambda other: set_password(other, role, password),
    )


def disable_login(superuser: Callable[[], Login], role: str) -> Failure:
    """Return a failure: the server refuses the role's logins."""
    return _refuse_login(
        superuser,
        role,
        lambda other: other.execute(f"ALTER ROLE {role} NOLOGIN"),
        lambda other: other.execute(f"ALTER ROLE {role} LOGIN"),
    )


Change = Callable[[asyncpg.Connection], Awaitable[object]]


def _refuse_login(
    superuser: Callable[[], Login], role: str, refuse: Change, restore: Change
) -> Failure:
    """Return a failure that refuses the role's logins and ends its sessions."""
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"

    @asynccontextmanager
    async def failure() -> AsyncIterator[None]:
        async with session(superuser()) as other:
            await refuse(other)
            await other.execute(end)
            try:
                yield
            finally:
                await restore(other)

    return failure


def fail_neon_requests(neon: RunningEmulator) -> Failure:
    """Return a failure: one fault of each kind, which retries overcome, then more than they can."""

    @asynccontextmanager
    async def failure() -> AsyncIterator[None]:
        async with override_behaviour(neon):
            for how in (How.LOST_AFTER, How.GATEWAY_HTML, How.GARBAGE, How.RESET_BEFORE):
                neon.add_fault("*", how)
            neon.add_fault("*", How.UNAVAILABLE, times=FAILURES_IN_A_ROW)
            yield

    return failure


def expire_in_file(folder: Path) -> Expire:
    async def expire(database_id: str) -> None:
        moment = f"{datetime.now(UTC) - EXPIRED_FOR:%Y-%m-%d %H:%M:%S.%f}"
        with closing(sqlite3.connect(folder / "registry.sqlite3", timeout=20)) as registry:
            registry.execute(
                "UPDATE databases SET expires_at = ?, wake_at = ? WHERE id = ?",
                (moment, moment, database_id),
            )
            registry.commit()

    return expire


def expire_on_server(server: OperatorsServer) -> Expire:
    async def expire(database_id: str) -> None:
        async with session({"dsn": server.dsn("postgres", "records")}) as other:
            await other.execute(
                "UPDATE databases SET expires_at = $1, wake_at = $1 WHERE id = $2",
                datetime.now(UTC) - EXPIRED_FOR,
                database_id,
            )

    return expire
