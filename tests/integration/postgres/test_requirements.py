"""A server that does not meet the requirements is reported at startup, with the fix and without a
secret."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.embedded.cluster import PORTS
from adapters.embedded.listen_addresses import is_free
from adapters.postgres.factory import open_checked_provider, open_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server, server_from_dsn
from domain.errors import ProviderBusy, ProviderRejected, StartupError
from tests.support.postgres_under_test import session
from tests.support.provision_requests import INSTALLATION, new_provision_request
from tests.support.servers import PASSWORD, OperatorsServer, operators_server

WRONG_PASSWORD = "not-the-password-of-the-admin"

INSUFFICIENT = {
    "nothing": "NOCREATEDB NOCREATEROLE",
    "no databases": "NOCREATEDB CREATEROLE",
    "no roles": "CREATEDB NOCREATEROLE",
    "no inheriting": "CREATEDB CREATEROLE NOINHERIT",
}


@pytest.fixture(params=["server_15", "server_16", "server_18"])
def server(request: pytest.FixtureRequest) -> OperatorsServer:
    found: OperatorsServer = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("attributes", INSUFFICIENT.values(), ids=INSUFFICIENT.keys())
async def test_missing_privileges_of_the_admin_are_named(
    server: OperatorsServer, attributes: str
) -> None:
    async with _weak_admin(server, attributes) as description:
        async with open_provider(description, INSTALLATION) as provider:
            with pytest.raises(ProviderRejected, match="CREATEDB CREATEROLE"):
                await provider.ping()
        with pytest.raises(StartupError, match="CREATEDB CREATEROLE") as failed:
            await _start(description)
        assert PASSWORD not in f"{failed.value} {failed.value!r}"


async def test_a_sufficient_admin_is_accepted(server: OperatorsServer) -> None:
    async with _weak_admin(server, "CREATEDB CREATEROLE") as description:
        await _start(description)


async def test_a_wrong_admin_password_prevents_startup(
    server: OperatorsServer,
) -> None:
    description = _server_from_dsn(server.dsn().replace(PASSWORD, WRONG_PASSWORD))
    with pytest.raises(StartupError, match=r" See PGVEND_POSTGRES_ADMIN_DSN\.") as failed:
        await _start(description)
    assert WRONG_PASSWORD not in f"{failed.value} {failed.value!r} {description!r}"
    for refusal in await _collect_refusals(description, ProviderRejected):
        assert WRONG_PASSWORD not in f"{refusal!r} {refusal.__cause__!r}"


async def test_a_missing_admin_database_prevents_startup(
    server: OperatorsServer,
) -> None:
    with pytest.raises(StartupError, match="does not exist"):
        await _start(_server_from_dsn(server.dsn(database="none_such")))


async def test_the_service_starts_before_its_server() -> None:
    port = next(port for port in PORTS if is_free(port))
    unreachable = _server_from_dsn(f"postgresql://admin:{PASSWORD}@127.0.0.1:{port}/postgres")
    refusal, *_ = await _collect_refusals(unreachable, ProviderBusy)
    with capture_logs() as logs:
        await _start(unreachable)
    assert logs == [
        {"log_level": "warning", "event": "postgres.unavailable", "detail": str(refusal)}
    ]


async def test_a_database_open_to_all_is_reported_with_its_fix(
    server: OperatorsServer,
) -> None:
    superuser = {"dsn": server.superuser_dsn}
    async with session(superuser) as operator:
        await operator.execute('CREATE DATABASE "open ""to"" all"')
        try:
            with capture_logs() as logs:
                await _start(_server_from_dsn(server.dsn()))
            [warning] = logs
            [comment] = warning["statements"]
            await operator.execute(comment.removeprefix("-- "))
            with capture_logs() as logs:
                await _start(_server_from_dsn(server.dsn()))
            assert (warning["event"], logs) == ("postgres.open_to_tenants", [])
        finally:
            await operator.execute('DROP DATABASE "open ""to"" all"')


async def test_the_fix_for_the_admins_own_database_keeps_the_admins_access(
    server: OperatorsServer,
) -> None:
    async with session({"dsn": server.superuser_dsn}) as operator:
        await operator.execute(
            "REVOKE CONNECT ON DATABASE postgres FROM admin;"
            "GRANT CONNECT ON DATABASE postgres TO PUBLIC"
        )
        with capture_logs() as logs:
            await _start(_server_from_dsn(server.dsn()))
        for statement in logs[0]["statements"]:
            await operator.execute(statement)
    with capture_logs() as logs:
        await _start(_server_from_dsn(server.dsn()))
    assert logs == []


async def test_a_server_out_of_connections_is_busy() -> None:
    async with operators_server(18, max_connections="6") as server, AsyncExitStack() as sessions:
        description = _server_from_dsn(server.dsn())
        for _ in range(3):  # three more are reserved for superusers
            await sessions.enter_async_context(session(description.admin))
        await _collect_refusals(description, ProviderBusy)
        await sessions.aclose()
        await _start(description)


async def _collect_refusals(server: Server, error: type[Exception]) -> list[Exception]:
    """Check that every kind of call raises the error."""
    refusals: list[Exception] = []
    async with open_provider(server, INSTALLATION) as provider:
        for call in (
            provider.ping(),
            provider.provision(new_provision_request()),
            provider.inventory(),
        ):
            with pytest.raises(error) as refused:
                await call
            refusals.append(refused.value)
    return refusals


async def _start(server: Server) -> None:
    async with open_checked_provider(server, INSTALLATION, structlog.get_logger()) as provider:
        assert isinstance(provider, PostgresProvider)


def _server_from_dsn(dsn: str) -> Server:
    return server_from_dsn(dsn, public_host=None, public_port=None, connection_limit=3)


@asynccontextmanager
async def _weak_admin(server: OperatorsServer, attributes: str) -> AsyncIterator[Server]:
    async with session({"dsn": server.superuser_dsn}) as superuser:
        await superuser.execute(
            f"CREATE ROLE weak LOGIN {attributes} PASSWORD '{PASSWORD}';"
            "GRANT CONNECT ON DATABASE postgres TO weak"
        )
        try:
            yield _server_from_dsn(server.dsn("weak"))
        finally:
            await superuser.execute("DROP OWNED BY weak; DROP ROLE weak")
