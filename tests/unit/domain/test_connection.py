"""Connections as URIs."""

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from domain.connection import Connection
from domain.secrets import Secret

ODD = "".join(map(chr, range(1, 128))) + "é😀\u202e"

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)

PLAIN = Connection(
    host="db.example", port=6543, database="x", user="user_x", password=Secret("hunter2")
)


def parse(uri: str) -> tuple[str | None, int | None, str, str, str]:
    parts = urlsplit(uri)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    database = unquote(parts.path.removeprefix("/"))
    return parts.hostname, parts.port, unquote(user), unquote(password), database


@given(user=texts, password=texts, database=texts)
@example(ODD, ODD, ODD)
def test_a_uri_contains_all_parts_escaped(user: str, password: str, database: str) -> None:
    odd = replace(PLAIN, user=user, password=Secret(password), database=database)

    uri = odd.uri()

    assert parse(uri) == ("db.example", 6543, user, password, database)
    assert uri.isascii()
    assert uri.isprintable()
    assert " " not in uri


def test_a_uri_is_that_of_the_original_service() -> None:
    assert PLAIN.uri() == "postgresql://user_x:hunter2@db.example:6543/x?sslmode=disable"
    assert "hunter2" not in repr(PLAIN)


def test_an_ipv6_address_is_in_brackets() -> None:
    assert parse(replace(PLAIN, host="::1").uri())[:2] == ("::1", 6543)


def test_the_uri_has_the_sslmode() -> None:
    uri = replace(PLAIN, sslmode="require").uri()
    assert parse_qs(urlsplit(uri).query) == {"sslmode": ["require"]}


def test_the_uri_names_the_database_and_not_its_pooler() -> None:
    """Migrations and listeners fail behind a pooler in transaction mode."""
    assert replace(PLAIN, pooler_host="pooler.example").uri() == PLAIN.uri()
