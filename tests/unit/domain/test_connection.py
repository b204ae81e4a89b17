"""Credentials as a URI: whatever is in them comes out again."""

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connection import Connection
from domain.secret import Secret

ODD = "".join(map(chr, range(1, 128))) + "é😀\u202e"

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def connection(**parts: str) -> Connection:
    given = {"host": "db.example", "user": "user_x", "password": "p", "database": "x"} | parts
    return Connection(
        host=given["host"],
        port=6543,
        database=given["database"],
        user=given["user"],
        password=Secret(given["password"]),
    )


def parsed(uri: str) -> tuple[str | None, int | None, str, str, str]:
    parts = urlsplit(uri)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    database = unquote(parts.path.removeprefix("/"))
    return parts.hostname, parts.port, unquote(user), unquote(password), database


@given(user=texts, password=texts, database=texts)
def test_all_parts_are_found_in_the_uri_again(user: str, password: str, database: str) -> None:
    uri = connection(user=user, password=password, database=database).uri()

    assert parsed(uri) == ("db.example", 6543, user, password, database)


@pytest.mark.parametrize("char", ODD, ids=ascii)
def test_every_odd_character_is_found_again(char: str) -> None:
    odd = f"{char}a{char}"

    uri = connection(user=odd, password=odd, database=odd).uri()

    assert parsed(uri)[2:] == (odd, odd, odd)


def test_the_uri_is_plain_ascii_without_white_space() -> None:
    uri = connection(user=ODD, password=ODD, database=ODD).uri()

    assert uri.isascii()
    assert uri.isprintable()
    assert " " not in uri


def test_what_the_original_service_handed_out_looks_as_expected() -> None:
    uri = connection().uri()

    assert uri == "postgresql://user_x:p@db.example:6543/x?sslmode=prefer"


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert parsed(connection(host="::1").uri())[:2] == ("::1", 6543)


def test_the_uri_says_how_to_use_tls() -> None:
    demanding = Connection(
        host="h", port=1, database="d", user="u", password=Secret("p"), sslmode="require"
    )

    assert parse_qs(urlsplit(demanding.uri()).query) == {"sslmode": ["require"]}


def test_the_uri_leads_to_the_database_itself_and_not_to_a_pooler_before_it() -> None:
    """A pooler in transaction mode keeps no session: migrations and listeners would fail."""
    pooled = replace(connection(), pooler_host="pooler.example")

    assert pooled.uri() == connection().uri()


def test_a_connection_does_not_print_its_password() -> None:
    assert "hunter2" not in repr(connection(password="hunter2"))
