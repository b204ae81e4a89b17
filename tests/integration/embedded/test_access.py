"""Who gets into the bundled server, and how."""

from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import psutil
import pytest

from adapters.embedded.account import SYSTEM_USER
from adapters.embedded.configuration import ADMIN, SUPERUSER
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from tests.support.bundles import logged_in
from tests.support.orders import new_order
from tests.support.users import python_of, run_as

LOGIN_OVER_SOCKET = """
import socket, struct, sys
with socket.socket(socket.AF_UNIX) as session:
    try:
        session.connect(sys.argv[1])
    except PermissionError:
        sys.exit("kept out by the file system")
    words = b"user\\0" + sys.argv[2].encode() + b"\\0database\\0postgres\\0\\0"
    session.sendall(struct.pack("!ii", 8 + len(words), 196608) + words)
    print(session.recv(4096))
"""
"""The first message of PostgreSQL's protocol, and its answer; for any Python: other users need
not be able to read ours."""


@pytest.fixture(params=["bundled_16", "bundled_18"])
def provider(request: pytest.FixtureRequest) -> PostgresProvider:
    return cast("PostgresProvider", request.getfixturevalue(request.param))


@pytest.fixture
async def tenant(provider: PostgresProvider) -> AsyncIterator[Connection]:
    order = new_order()
    yield await provider.provision(order)
    await provider.retire(order.tenant)


async def test_what_was_handed_out_logs_in(tenant: Connection) -> None:
    async with logged_in(tenant) as session:
        assert await session.fetchval("SELECT current_user") == tenant.user


@pytest.mark.parametrize("password", ["wrong", "", "md5" + 32 * "0"])
async def test_a_wrong_password_is_refused(tenant: Connection, password: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with logged_in(tenant, password=password):
            pass


@pytest.mark.parametrize("password", ["", "postgres", "the tenant's"])
@pytest.mark.parametrize("user", [SUPERUSER, ADMIN])
@pytest.mark.parametrize("database", ["postgres", "template1", "the tenant's"])
async def test_superuser_and_admin_never_come_over_tcp(
    tenant: Connection, user: str, password: str, database: str
) -> None:
    other = {
        "user": user,
        "password": tenant.password.reveal() if password == "the tenant's" else password,
        "database": tenant.database if database == "the tenant's" else database,
    }
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
        async with logged_in(tenant, **other):
            pass


@pytest.mark.parametrize("database", ["postgres", "template0", "template1"])
async def test_a_tenant_does_not_get_into_the_servers_databases(
    tenant: Connection, database: str
) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
        async with logged_in(tenant, database=database):
            pass


async def test_a_tenant_does_not_come_over_the_socket(
    provider: PostgresProvider, tenant: Connection
) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
        async with logged_in(tenant, host=provider.server.admin["host"]):
            pass


@pytest.mark.parametrize("role", [SUPERUSER, ADMIN])
async def test_the_servers_own_system_user_does_not_come_over_the_socket(
    provider: PostgresProvider, role: str
) -> None:
    _, output = await _tried_over_socket(provider, SYSTEM_USER, role)
    assert "28000" in output
    assert "Peer authentication failed" in output


@pytest.mark.parametrize("role", [SUPERUSER, ADMIN])
async def test_other_system_users_do_not_reach_the_socket(
    provider: PostgresProvider, role: str
) -> None:
    status, output = await _tried_over_socket(provider, "nobody", role)
    assert status == 1
    assert "kept out by the file system" in output


async def test_the_server_listens_on_loopback_alone(provider: PostgresProvider) -> None:
    port = provider.server.public_port
    listening = [
        tuple(each.laddr)
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and port in each.laddr
    ]
    assert listening == [("127.0.0.1", port)]


async def _tried_over_socket(provider: PostgresProvider, user: str, role: str) -> tuple[int, str]:
    """What comes of a login by another system user, who starts inside the folder of the socket:
    what lies above it may be closed to that user anyway, and is not what keeps it out."""
    return await run_as(
        user,
        await python_of(user, module="socket"),
        "-I",
        "-c",
        LOGIN_OVER_SOCKET,
        f".s.PGSQL.{provider.server.public_port}",
        role,
        cwd=provider.server.admin["host"],
    )
