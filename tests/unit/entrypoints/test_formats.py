"""All formats: each value survives writing, and reading by the rules of the format's reader."""

from typing import Any

import pytest
from hypothesis import given

from domain.connection import Connection
from domain.text import is_plain
from entrypoints.formats import FORMATS, NotExpressible
from tests.support.connections import ODD_CHARACTERS, connection, texts
from tests.support.format_readers import READERS, SSL_MODES, readable_connection

every_format = pytest.mark.parametrize("name", FORMATS)

LINES = {"env", "django", "prisma", "docker", "k8s-secret"}
"""Formats for files."""

RENAMED_SSLMODES = {"prisma", "node"}
"""Formats with other names for some TLS modes."""

PASSWORDS = ["${HOME}$(id)`id`", "%41%%", "' OR 1=1 --", "#no comment", "\\"]
HOSTS = ["::1", "2001:db8::7", "127.0.0.1", "db.example"]

PARTS = [*({"password": text} for text in PASSWORDS), *({"host": host} for host in HOSTS)]


BY_LINE = {"env", "psql", "dotnet", "docker"}
"""Formats without escapes for control characters."""


def read_back(name: str, original: Connection) -> Connection:
    return READERS[name](FORMATS[name].render(original))


def assert_read_back_or_refused(name: str, original: Connection, *parts: str) -> None:
    """A value that the format cannot express is refused: it would end a line."""
    if name in BY_LINE and not all(map(is_plain, parts)):
        with pytest.raises(NotExpressible, match=f"format {name} cannot express the ") as refused:
            FORMATS[name].render(original)
        assert is_plain(str(refused.value))
    else:
        assert read_back(name, original) == readable_connection(name, original), ascii(parts)


def test_the_documented_formats_exist() -> None:
    promised = ["json", "uri", "env", "jdbc", "psql", "sqlalchemy", "sqlalchemy-asyncpg"]
    assert list(FORMATS) == [
        *promised,
        *("django", "node", "prisma", "dotnet", "docker", "k8s-secret"),
    ]
    assert all(original.name == name for name, original in FORMATS.items())


@every_format
@given(user=texts, password=texts, database=texts)
def test_all_parts_are_read_back(name: str, user: str, password: str, database: str) -> None:
    original = connection(user=user, password=password, database=database)
    assert_read_back_or_refused(name, original, user, password, database)


@every_format
def test_every_odd_character_is_read_back(name: str) -> None:
    for char in ODD_CHARACTERS:
        for odd in (char, f"{char}a{char}", f"a{char * 2}b"):
            original = connection(password=odd, user=odd, database=odd)
            assert_read_back_or_refused(name, original, odd)


@every_format
@pytest.mark.parametrize("odd", ["\0", "\ud800"], ids=ascii)
def test_impossible_values_are_refused_and_not_shown(name: str, odd: str) -> None:
    for part in ("database", "password"):
        with pytest.raises(NotExpressible) as refused:
            FORMATS[name].render(connection(**{part: f"hunter2{odd}"}))
        assert part == "database" or "hunter2" not in str(refused.value)


@every_format
@pytest.mark.parametrize("part", ["host", "sslmode"])
def test_no_other_part_can_add_a_line(name: str, part: str) -> None:
    """Another server than pgvend could answer such a part to the command line."""
    line = "\nLD_PRELOAD=/tmp/own.so"
    original = connection(**{part: f"require{line}"})
    try:
        assert line not in FORMATS[name].render(original)
    except NotExpressible:
        assert part == "host" or name in BY_LINE


@every_format
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_every_kind_of_host_and_password_is_read_back(name: str, part: Any) -> None:
    original = connection(**part)
    assert read_back(name, original) == readable_connection(name, original)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in RENAMED_SSLMODES])
@pytest.mark.parametrize("sslmode", SSL_MODES.values())
def test_every_tls_mode_is_read_back(name: str, sslmode: str) -> None:
    original = connection(sslmode=sslmode)
    assert read_back(name, original) == readable_connection(name, original)


@every_format
def test_a_connection_names_the_database_and_not_its_pooler(name: str) -> None:
    assert read_back(name, connection(pooler_host="pooler.example")).host == "db.example"


@every_format
def test_files_end_with_a_line_end_and_values_do_not(name: str) -> None:
    """Files can then be appended to, and values can be used unchanged."""
    text = FORMATS[name].render(connection())
    assert text.strip() == text.removesuffix("\n")
    assert text.endswith("\n") == (name in LINES)
    assert ("\n" in text.strip()) == (name in LINES - {"prisma"})
