"""Sessions that the guard's SQL cannot end."""

from typing import Any

import asyncpg
import pytest

from adapters.postgres.guard import PostgresGuard, Signal
from adapters.postgres.marks import Marks
from adapters.postgres.server import server_from_dsn
from domain.errors import PgvendError, ProviderBusy, ProviderRejected
from domain.server_snapshot import Session
from tests.support.guard_states import ATTACKER, session
from tests.support.provision_requests import INSTALLATION

UNPRIVILEGED = ProviderRejected("Permission denied.")
UNPRIVILEGED.__cause__ = asyncpg.InsufficientPrivilegeError()

REFUSALS = [ProviderRejected("No."), ProviderBusy("The server does not answer.")]


class RefusingSession:
    def __init__(self, error: PgvendError) -> None:
        self._error = error

    async def fetch(self, query: str) -> list[Any]:
        raise self._error


def create_guard(error: PgvendError, signal: Signal | None = None) -> PostgresGuard:
    dsn = "postgresql://admin@db.example/postgres"
    server = server_from_dsn(dsn, public_host=None, public_port=None, connection_limit=1)
    refusing: Any = RefusingSession(error)
    return PostgresGuard(server, Marks(INSTALLATION), refusing, signal=signal)


@pytest.mark.parametrize("error", REFUSALS, ids=["rejected", "busy"])
async def test_an_error_is_raised_unchanged(error: PgvendError) -> None:
    with pytest.raises(PgvendError) as raised:
        await create_guard(error).end(session(ATTACKER))
    assert raised.value is error


async def test_a_missing_privilege_names_its_fix() -> None:
    with pytest.raises(ProviderRejected, match=r'GRANT pg_signal_backend, .* TO "admin";'):
        await create_guard(UNPRIVILEGED).end(session(ATTACKER))


@pytest.mark.parametrize("error", [*REFUSALS, UNPRIVILEGED], ids=["rejected", "busy", "denied"])
@pytest.mark.parametrize("is_found", [True, False])
async def test_a_session_that_sql_cannot_end_is_ended_without_it(
    error: PgvendError, is_found: bool
) -> None:
    ended: list[Session] = []

    async def signal(each: Session) -> bool:
        ended.append(each)
        return is_found

    assert await create_guard(error, signal).end(session(ATTACKER)) is is_found
    assert ended == [session(ATTACKER)]
