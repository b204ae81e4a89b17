"""How a server's address is read, and what it hands out."""

import pytest

from adapters.postgres.server import Server, server_of_dsn
from adapters.postgres.sessions import login_of
from tests.support.orders import new_order

DSN = "postgresql://admin:hunter2@db.example:6543/postgres?sslmode=require"


def server(dsn: str = DSN, host: str | None = None, port: int | None = None) -> Server:
    return server_of_dsn(dsn, public_host=host, public_port=port, connection_limit=3)


def test_tenants_reach_the_server_as_the_admin_does() -> None:
    connection = server().connection(new_order())

    assert (connection.host, connection.port, connection.sslmode) == (
        "db.example",
        6543,
        "require",
    )


def test_tenants_reach_the_server_where_the_operator_says() -> None:
    connection = server(host="public.example", port=7654).connection(new_order())

    assert (connection.host, connection.port) == ("public.example", 7654)


@pytest.mark.parametrize(
    ("dsn", "host", "port", "sslmode"),
    [
        ("postgresql://a@h/d", "h", 5432, "prefer"),
        ("postgres://a@[::1]:5433/d", "::1", 5433, "prefer"),
        ("postgresql:///d", "", 5432, "prefer"),
    ],
)
def test_what_the_address_does_not_say_is_the_usual(
    dsn: str, host: str, port: int, sslmode: str
) -> None:
    found = server(dsn)

    assert (found.public_host, found.public_port, found.sslmode) == (host, port, sslmode)


def test_a_connection_bears_the_orders_names_and_password() -> None:
    order = new_order("Sales")

    connection = server().connection(order)

    assert (connection.database, connection.user) == ("sales", "user_sales")
    assert connection.password == order.password


def test_a_login_is_made_with_exactly_what_was_handed_out() -> None:
    order = new_order("Sales")

    login = login_of(server().connection(order))

    assert login == {
        "host": "db.example",
        "port": 6543,
        "database": "sales",
        "user": "user_sales",
        "password": order.password.reveal(),
        "ssl": "require",
    }


def test_a_server_does_not_print_its_admins_password() -> None:
    assert "hunter2" not in repr(server())
