"""Neon's connection URIs taken apart."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.uris import address_of, direct_host
from domain.errors import ProviderRejected
from domain.secret import Secret

HOST = "ep-cool-sun-1.c-2.eu-central-1.aws.neon.tech"

GARBAGE = [
    "",
    "hunter2",
    "postgresql://",
    "postgresql://ana:hunter2@",
    "postgresql://ana:hunter2@/db",
    "postgresql://ana:hunter2@host:port/db",
    "postgresql://ana:hunter2@host:99999/db",
    "postgresql://ana:hunter2@[::1/db",
    "postgresql://ana:hunter2@\u2100host/db",
]

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_tells_where_and_as_whom() -> None:
    address = address_of(Secret(f"postgresql://ana:npg_abc@{HOST}/shop?sslmode=require"))

    assert (address.host, address.port, address.sslmode) == (HOST, 5432, "require")
    assert (address.user, address.database) == ("ana", "shop")
    assert address.password == Secret("npg_abc")


@pytest.mark.parametrize(
    ("uri", "host", "port"),
    [
        ("postgresql://ana@127.0.0.1:54321/db", "127.0.0.1", 54321),
        ("postgresql://ana@[::1]:6000/db", "::1", 6000),
        ("postgresql://ana@[2001:db8::7]/db", "2001:db8::7", 5432),
        ("postgres://ana@localhost/db", "localhost", 5432),
    ],
)
def test_takes_host_and_port_as_given(uri: str, host: str, port: int) -> None:
    address = address_of(Secret(uri))

    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize(
    ("query", "sslmode"),
    [
        ("", "require"),
        ("?sslmode=disable", "disable"),
        ("?sslmode=verify-full&channel_binding=require", "verify-full"),
        ("?channel_binding=require", "require"),
        ("?sslmode=", "require"),
    ],
)
def test_asks_for_tls_unless_neon_says_otherwise(query: str, sslmode: str) -> None:
    assert address_of(Secret(f"postgresql://ana@{HOST}/db{query}")).sslmode == sslmode


@given(user=text, password=text, database=text)
def test_unescapes_names_and_passwords(user: str, password: str, database: str) -> None:
    parts = [quote(part, safe="") for part in (user, password, database)]
    uri = "postgresql://{}:{}@host/{}".format(*parts)

    address = address_of(Secret(uri))

    assert (address.user, address.database) == (user, database)
    assert address.password == Secret(password)


@pytest.mark.parametrize("uri", ["postgresql://ana@host/db", "postgresql://ana:@host/db"])
def test_a_password_may_be_missing(uri: str) -> None:
    assert address_of(Secret(uri)).password is None


@pytest.mark.parametrize("uri", GARBAGE)
def test_garbage_is_refused_and_not_quoted(uri: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        address_of(Secret(uri))

    error = caught.value
    assert "hunter2" not in f"{error!r} {error.__cause__!r} {error.__context__!r}"


def test_an_address_does_not_show_its_password() -> None:
    assert "npg_abc" not in repr(address_of(Secret(f"postgresql://ana:npg_abc@{HOST}/shop")))


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        (
            "ep-cool-sun-1-pooler.eu-central-1.aws.neon.tech",
            "ep-cool-sun-1.eu-central-1.aws.neon.tech",
        ),
        (
            "ep-cool-sun-1-pooler.c-2.us-east-2.aws.neon.tech",
            "ep-cool-sun-1.c-2.us-east-2.aws.neon.tech",
        ),
        (HOST, HOST),
        ("ep-pooler-sun-1.neon.tech", "ep-pooler-sun-1.neon.tech"),
        ("ep-1.my-pooler.tech", "ep-1.my-pooler.tech"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_pooler_is_a_word_at_the_end_of_the_first_label(host: str, direct: str) -> None:
    assert direct_host(host) == direct
