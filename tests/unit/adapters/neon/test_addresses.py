"""Parsing of Neon's connection URIs."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.neon.addresses import parse_address, remove_pooler_suffix
from domain.errors import ProviderRejected
from domain.secrets import Secret

HOST = "ep-cool-sun-1.c-2.eu-central-1.aws.neon.tech"

ADDRESSES = {
    "ana@127.0.0.1:54321/db": ("127.0.0.1", 54321, "require"),
    "ana@[::1]:6000/db": ("::1", 6000, "require"),
    "ana@[2001:db8::7]/db": ("2001:db8::7", 5432, "require"),
    f"ana@{HOST}/db?sslmode=disable": (HOST, 5432, "disable"),
    f"ana@{HOST}/db?sslmode=verify-full&channel_binding=require": (HOST, 5432, "verify-full"),
    f"ana@{HOST}/db?channel_binding=require": (HOST, 5432, "require"),
    f"ana@{HOST}/db?sslmode=": (HOST, 5432, "require"),
    "ana:@localhost/db": ("localhost", 5432, "require"),
}

GARBAGE = [
    *("", "hunter2", "postgresql://", "postgresql://ana:hunter2@", "postgresql://ana:hunter2@/db"),
    *(f"postgresql://ana:hunter2@{host}/db" for host in ("host:port", "host:99999", "[::1")),
    "postgresql://ana:hunter2@\u2100host/db",
]

DIRECT = {
    "ep-cool-sun-1-pooler.eu-central-1.aws.neon.tech": "ep-cool-sun-1.eu-central-1.aws.neon.tech",
    "ep-cool-sun-1-pooler.c-2.us-east-2.aws.neon.tech": "ep-cool-sun-1.c-2.us-east-2.aws.neon.tech",
}

ALREADY_DIRECT = [
    *(HOST, "ep-pooler-sun-1.neon.tech", "ep-1.my-pooler.tech", "localhost", "127.0.0.1")
]

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_a_uri_is_parsed_without_showing_the_password() -> None:
    address = parse_address(Secret(f"postgresql://ana:npg_abc@{HOST}/shop?sslmode=require"))
    assert (address.host, address.port, address.sslmode) == (HOST, 5432, "require")
    assert (address.user, address.database) == ("ana", "shop")
    assert address.password == Secret("npg_abc")
    assert "npg_abc" not in repr(address)


@pytest.mark.parametrize("scheme", ["postgresql://", "postgres://"])
@pytest.mark.parametrize(("uri", "expected"), ADDRESSES.items())
def test_tls_is_required_unless_the_uri_says_otherwise(
    scheme: str, uri: str, expected: tuple[str, int, str]
) -> None:
    address = parse_address(Secret(scheme + uri))
    assert (address.host, address.port, address.sslmode) == expected
    assert address.password is None


@given(user=text, password=text, database=text)
def test_names_and_passwords_are_decoded(user: str, password: str, database: str) -> None:
    parts = [quote(part, safe="") for part in (user, password, database)]
    address = parse_address(Secret("postgresql://{}:{}@host/{}".format(*parts)))
    assert (address.user, address.database) == (user, database)
    assert address.password == Secret(password)


@pytest.mark.parametrize("uri", GARBAGE)
def test_an_invalid_uri_is_refused_and_not_quoted(uri: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        parse_address(Secret(uri))
    error = caught.value
    assert "hunter2" not in f"{error!r} {error.__cause__!r} {error.__context__!r}"


@pytest.mark.parametrize(
    ("host", "direct"), [*DIRECT.items(), *((host, host) for host in ALREADY_DIRECT)]
)
def test_the_pooler_suffix_is_removed_from_the_first_label(host: str, direct: str) -> None:
    assert remove_pooler_suffix(host) == direct
