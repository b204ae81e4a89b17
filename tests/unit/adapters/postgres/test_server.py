"""A server's addresses, and the connections that it gives to tenants."""

import pytest

from adapters.driver.tls import Tls
from adapters.postgres.claim import prepare_session
from adapters.postgres.marks import Marks
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import Server, server_from_dsn
from adapters.postgres.sessions import create_admin_pool, login_from_connection
from tests.support.provision_requests import INSTALLATION, new_provision_request, with_next_password

DSN = "postgresql://admin:hunter2@db.example:6543/postgres?sslmode=require"
UNREACHABLE = "postgresql://admin@database.invalid/postgres?sslmode=require"

ADDRESSES = {
    DSN: ("db.example", 6543, "require"),
    "postgresql://a@h/d?sslmode=disable": ("h", 5432, "disable"),
    "postgres://a@[::1]:5433/d?sslmode=require": ("::1", 5433, "require"),
}


def create_server(dsn: str = DSN, host: str | None = None, port: int | None = None) -> Server:
    return server_from_dsn(dsn, public_host=host, public_port=port, connection_limit=3)


@pytest.mark.parametrize(("dsn", "expected"), ADDRESSES.items())
async def test_tenants_use_the_admins_address(dsn: str, expected: tuple[str, int, str]) -> None:
    connection = await create_server(dsn).build_connection(new_provision_request())
    assert (connection.host, connection.port, connection.sslmode) == expected


async def test_tenants_use_the_public_address() -> None:
    connection = await create_server(host="public.example", port=7654).build_connection(
        new_provision_request()
    )
    assert (connection.host, connection.port) == ("public.example", 7654)


async def test_a_login_uses_exactly_the_connection() -> None:
    provision_request = new_provision_request("Sales")

    connection = await create_server().build_connection(provision_request)

    assert (connection.database, connection.user) == ("sales", "user_sales")
    assert connection.password == provision_request.password
    assert login_from_connection(connection) == {
        "host": ["db.example"],
        "port": [6543],
        "database": "sales",
        "user": "user_sales",
        "password": provision_request.password.reveal(),
        "target_session_attrs": "any",
        "tls": Tls(mode="require"),
    }


def test_a_server_does_not_print_its_admins_password() -> None:
    assert "hunter2" not in repr(create_server())


async def test_a_connection_is_revealed_without_asking_the_server() -> None:
    provision_request = with_next_password(new_provision_request(), 3)
    unreachable = create_server(UNREACHABLE, "db.example", 6432)
    pool = create_admin_pool(unreachable.admin, prepare_session)
    provider = PostgresProvider(server=unreachable, marks=Marks(INSTALLATION), pool=pool)
    assert await provider.reveal(provision_request) == await unreachable.build_connection(
        provision_request
    )
