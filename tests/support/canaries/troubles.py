"""What befalls a database from outside: failures, and time."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from adapters.postgres.scram import scram_verifier
from adapters.postgres.sessions import Login
from domain.secret import Secret
from entrypoints.neon_emulator.faults import How
from tests.support.canaries.life import Age, Trouble
from tests.support.neon.emulator import RunningEmulator, turned
from tests.support.places import session
from tests.support.servers import OperatorsServer

AGED = timedelta(minutes=1)
"""How long ago a database's time was over."""

TOO_MANY = 12
"""Answers of 503 in a row, of which a call takes eight."""


async def give_password(superuser: asyncpg.Connection, role: str, password: str) -> None:
    verifier = await scram_verifier(Secret(password))
    await superuser.execute(f"ALTER ROLE {role} PASSWORD '{verifier}'")


def another_password(superuser: Login, role: str, password: str) -> Trouble:
    """The server refuses the login that pgvend has been given."""

    @asynccontextmanager
    async def trouble() -> AsyncIterator[None]:
        async with session(superuser) as other:
            await give_password(other, role, "another one")
            await _end_sessions(other, role)
            try:
                yield
            finally:
                await give_password(other, role, password)

    return trouble


def shut_out(superuser: Callable[[], Login], role: str) -> Trouble:
    @asynccontextmanager
    async def trouble() -> AsyncIterator[None]:
        async with session(superuser()) as other:
            await other.execute(f"ALTER ROLE {role} NOLOGIN")
            await _end_sessions(other, role)
            try:
                yield
            finally:
                await other.execute(f"ALTER ROLE {role} LOGIN")

    return trouble


async def _end_sessions(superuser: asyncpg.Connection, role: str) -> None:
    await superuser.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
    )


def faults(neon: RunningEmulator) -> Trouble:
    """One of each kind, which are overcome, and then more than anybody overcomes."""

    @asynccontextmanager
    async def trouble() -> AsyncIterator[None]:
        async with turned(neon):
            for how in (How.LOST_AFTER, How.GATEWAY_HTML, How.GARBAGE, How.RESET_BEFORE):
                neon.fault("*", how)
            neon.fault("*", How.UNAVAILABLE, times=TOO_MANY)
            yield

    return trouble


def aged_in_file(folder: Path) -> Age:
    async def age(database_id: str) -> None:
        moment = f"{datetime.now(UTC) - AGED:%Y-%m-%d %H:%M:%S.%f}"
        with closing(sqlite3.connect(folder / "registry.sqlite3", timeout=20)) as registry:
            registry.execute(
                "UPDATE databases SET expires_at = ?, wake_at = ? WHERE id = ?",
                (moment, moment, database_id),
            )
            registry.commit()

    return age


def aged_on(server: OperatorsServer) -> Age:
    async def age(database_id: str) -> None:
        async with session({"dsn": server.dsn("postgres", "records")}) as other:
            await other.execute(
                "UPDATE databases SET expires_at = $1, wake_at = $1 WHERE id = $2",
                datetime.now(UTC) - AGED,
                database_id,
            )

    return age
