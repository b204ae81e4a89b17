"""Logins to the bundled server, also with connections pasted into other programs."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import psutil
import pytest

from adapters.embedded.account import SYSTEM_USER
from adapters.embedded.configuration import ADMIN, SUPERUSER
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.secrets import Secret
from entrypoints.formats import FORMATS
from tests.support.command_line import CommandResult, find_program, run_program
from tests.support.databases import provisioned_database
from tests.support.embedded_servers import login_session
from tests.support.provision_requests import new_provision_request
from tests.support.users import find_python, run_as

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
"""The first message of PostgreSQL's protocol and its answer, for any Python: other users may be
unable to read this one."""


@pytest.fixture
async def tenant(provider: PostgresProvider) -> AsyncIterator[Connection]:
    async with provisioned_database(provider, new_provision_request()) as connection:
        yield connection


async def test_a_provisioned_connection_logs_in(tenant: Connection) -> None:
    async with login_session(tenant) as session:
        assert await session.fetchval("SELECT current_user") == tenant.user


@pytest.mark.parametrize("user", [SUPERUSER, ADMIN])
async def test_superuser_and_admin_are_rejected_over_tcp(tenant: Connection, user: str) -> None:
    for password in ("", "postgres", tenant.password.reveal()):
        for database in ("postgres", "template1", tenant.database):
            await _assert_rejected(tenant, user=user, password=password, database=database)


async def test_a_tenant_is_rejected_over_the_socket(
    provider: PostgresProvider, tenant: Connection
) -> None:
    await _assert_rejected(tenant, host=provider.server.admin["host"])


@pytest.mark.parametrize("role", [SUPERUSER, ADMIN])
async def test_other_system_users_are_rejected_over_the_socket(
    provider: PostgresProvider, role: str
) -> None:
    _, output = await _try_over_socket(provider, SYSTEM_USER, role)
    assert "28000" in output
    assert "Peer authentication failed" in output

    status, output = await _try_over_socket(provider, "nobody", role)
    assert status == 1
    assert "kept out by the file system" in output


async def test_the_server_listens_on_loopback_only(provider: PostgresProvider) -> None:
    port = provider.server.public_port
    listening = [
        tuple(each.laddr)
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and port in each.laddr
    ]
    assert listening == [("127.0.0.1", port)]


async def _assert_rejected(tenant: Connection, **other: str) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="rejects"):
        async with login_session(tenant, **other):
            pass


async def _try_over_socket(provider: PostgresProvider, user: str, role: str) -> tuple[int, str]:
    """Try to log in as another system user. The program starts in the folder of the socket, because
    the user may lack access to the folders above, which this does not test."""
    return await run_as(
        user,
        await find_python(user, module="socket"),
        "-I",
        "-c",
        LOGIN_OVER_SOCKET,
        f".s.PGSQL.{provider.server.public_port}",
        role,
        cwd=provider.server.admin["host"],
    )


ODD_PASSWORD = Secret("""a'b"c $HOME $(id) `id` \\ \\' %41 # ; & = ? / @ : ~ !! {}""")
"""Unlike pgvend's own passwords; a provider that chooses passwords may use such characters."""

PSQL_OPTIONS = ("--no-password", "--no-psqlrc", "--tuples-only", "--no-align", "--command")
SELECT_DATABASE = "SELECT current_database()"


@pytest.fixture(params=["usual", "odd"])
async def connection(
    request: pytest.FixtureRequest, bundled_18: PostgresProvider
) -> AsyncIterator[Connection]:
    provision_request = new_provision_request()
    if request.param == "odd":
        provision_request = replace(provision_request, password=ODD_PASSWORD)
    async with provisioned_database(bundled_18, provision_request) as connection:
        yield connection


async def test_psql_accepts_the_uri(connection: Connection) -> None:
    uri = FORMATS["uri"].render(connection)

    assert_logged_in(
        await run_program(find_program("psql"), uri, *PSQL_OPTIONS, SELECT_DATABASE), connection
    )


async def test_a_shell_accepts_env(connection: Connection) -> None:
    env = FORMATS["env"].render(connection)

    assert_logged_in(await run_in_shell(f"set -a\n{env}psql"), connection)
    assert_logged_in(await run_in_shell(f'{env}psql "$DATABASE_URL"'), connection)


async def test_a_shell_accepts_psql(connection: Connection) -> None:
    """psql asks for the password, which is not in the command."""
    command = FORMATS["psql"].render(connection)
    assert connection.password.reveal() not in command

    result = await run_in_shell(command, PGPASSWORD=connection.password.reveal())

    assert_logged_in(result, connection)


async def test_a_container_accepts_docker(connection: Connection) -> None:
    """Docker passes the lines of the file to a program as its environment."""
    lines = FORMATS["docker"].render(connection).splitlines()
    environment = dict(line.split("=", maxsplit=1) for line in lines)

    assert_logged_in(
        await run_program(find_program("psql"), *PSQL_OPTIONS, SELECT_DATABASE, **environment),
        connection,
    )
    url = environment.pop("DATABASE_URL")
    assert_logged_in(
        await run_program(find_program("psql"), url, *PSQL_OPTIONS, SELECT_DATABASE), connection
    )


async def run_in_shell(command: str, **environment: str) -> CommandResult:
    find_program("psql")
    return await run_program(
        "sh", "-ec", f'{command} "$@"', "sh", *PSQL_OPTIONS, SELECT_DATABASE, **environment
    )


def assert_logged_in(result: CommandResult, connection: Connection) -> None:
    assert (result.status, result.stdout.strip()) == (0, connection.database), result.stderr
