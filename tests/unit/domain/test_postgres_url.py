"""PostgreSQL URLs, parsed as libpq does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connection import Connection
from domain.postgres_url import Address, PostgresUrl
from domain.secrets import Secret

SECRET = "hunter2"

ADDRESSES = {
    "postgresql:///app": [],
    "postgres://db.example/app": [Address("db.example", 5432)],
    "postgresql://me:pw@db.example:5433/app": [Address("db.example", 5433)],
    "postgresql://[::1]:5433,[::2]/app": [Address("::1", 5433), Address("::2", 5432)],
    "postgresql://h1:1,h2:2,h3/app": [Address("h1", 1), Address("h2", 2), Address("h3", 5432)],
    "postgresql://%2Fvar%2Frun%2FPG/app": [Address("/var/run/PG", 5432)],
    "postgresql:///app?host=/run&port=5433": [Address("/run", 5433)],
    "postgresql:///app?host=h1,h2&port=5433": [Address("h1", 5433), Address("h2", 5433)],
}

OPTIONS = ("sslmode=perhaps", "service=other", "passfile=/tmp/pgpass")
MALFORMED = [
    f"host=db.example password={SECRET}",
    f"mysql://me:{SECRET}@db.example/app",
    f"postgresql+asyncpg://me:{SECRET}@db.example/app",
    *(f"postgresql://me:{SECRET}@db.example:{port}/app" for port in ("port", "0", "70000")),
    *(f"postgresql://me:{SECRET}@{hosts}/app" for hosts in ("h1,,h2", "[::1")),
    f"postgresql://me:{SECRET}@db.example/app#part",
    *(f"postgresql://me:{SECRET}@db.example/app?{option}" for option in OPTIONS),
]

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize("url", ADDRESSES)
def test_a_url_names_one_server_or_several(url: str) -> None:
    assert list(PostgresUrl.parse(url).addresses) == ADDRESSES[url]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_url_is_an_error_that_does_not_quote_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"not a PostgreSQL URL|sslmode is not|not supported") as e:
        PostgresUrl.parse(url)

    assert SECRET not in str(e.value)
    assert e.value.__cause__ is None


def test_an_empty_value_in_the_query_counts() -> None:
    url = PostgresUrl.parse("postgresql://me:hunter2@db.example/app?password=")

    assert url.password == Secret("")


def test_the_query_may_contain_the_login() -> None:
    url = PostgresUrl.parse("postgresql:///?user=me&password=p%26w&dbname=app&sslmode=require")
    bare = PostgresUrl.parse("postgresql://db.example")

    assert (url.user, url.password, url.database) == ("me", Secret("p&w"), "app")
    assert (url.sslmode, url.target_session_attrs) == ("require", "any")
    assert (bare.user, bare.password, bare.database, bare.sslmode) == (None, None, None, None)


@given(user=text, password=text, database=text)
def test_a_connection_is_parsed_from_its_uri(user: str, password: str, database: str) -> None:
    connection = Connection(
        host="h1",
        port=5433,
        more_hosts=(Address("::2", 5434),),
        target_session_attrs="primary",
        database=database,
        user=user,
        password=Secret(password),
        sslmode="require",
    )

    url = PostgresUrl.parse(connection.uri())

    assert url.addresses == connection.addresses
    assert (url.user, url.password, url.database) == (user, Secret(password), database)
    assert (url.sslmode, url.target_session_attrs) == ("require", "primary")
