"""Connections in every format: whatever is in them is read again by the reader's own rules."""

from typing import Any

import pytest
from hypothesis import given

from domain.connection import Connection
from domain.text import is_plain
from entrypoints.formats import FORMATS, NotExpressible
from tests.support.connections import ODD, connection, texts
from tests.support.format_readers import READERS, SSL_MODES, readable

every_format = pytest.mark.parametrize("name", FORMATS)

LINES = {"env", "django", "prisma", "docker", "k8s-secret"}
"""What goes into files."""

WORDED = {"prisma", "node"}
"""Formats that have other words for some ways to use TLS."""

PASSWORDS = ["${HOME}$(id)`id`", "%41%%", "' OR 1=1 --", "#no comment", "\\"]
HOSTS = ["::1", "2001:db8::7", "127.0.0.1", "db.example"]

PARTS = [*({"password": text} for text in PASSWORDS), *({"host": host} for host in HOSTS)]


BY_LINE = {"env", "psql", "dotnet", "docker"}
"""Formats without escapes for control characters."""


def read_again(name: str, written: Connection) -> Connection:
    return READERS[name](FORMATS[name].render(written))


def assert_read_again_or_refused(name: str, written: Connection, *parts: str) -> None:
    """What a format cannot express is not written: it would end a line, or command a terminal."""
    if name in BY_LINE and not all(map(is_plain, parts)):
        with pytest.raises(NotExpressible, match=f"format {name} cannot express the ") as refused:
            FORMATS[name].render(written)
        assert is_plain(str(refused.value))
    else:
        assert read_again(name, written) == readable(name, written), ascii(parts)


def test_there_are_the_formats_that_the_service_promises() -> None:
    promised = ["json", "uri", "env", "jdbc", "psql", "sqlalchemy", "sqlalchemy-asyncpg"]
    assert list(FORMATS) == [
        *promised,
        *("django", "node", "prisma", "dotnet", "docker", "k8s-secret"),
    ]
    assert all(written.name == name for name, written in FORMATS.items())


@every_format
@given(user=texts, password=texts, database=texts)
def test_all_parts_are_read_again(name: str, user: str, password: str, database: str) -> None:
    written = connection(user=user, password=password, database=database)
    assert_read_again_or_refused(name, written, user, password, database)


@every_format
def test_every_odd_character_is_read_again(name: str) -> None:
    for char in ODD:
        for odd in (char, f"{char}a{char}", f"a{char * 2}b"):
            written = connection(password=odd, user=odd, database=odd)
            assert_read_again_or_refused(name, written, odd)


@every_format
@pytest.mark.parametrize("odd", ["\0", "\ud800"], ids=ascii)
def test_what_postgresql_cannot_have_is_refused_and_not_shown(name: str, odd: str) -> None:
    for part in ("database", "password"):
        with pytest.raises(NotExpressible) as refused:
            FORMATS[name].render(connection(**{part: f"hunter2{odd}"}))
        assert part == "database" or "hunter2" not in str(refused.value)


@every_format
@pytest.mark.parametrize("part", ["host", "sslmode"])
def test_no_other_part_brings_a_line_of_its_own(name: str, part: str) -> None:
    """As something else than pgvend might answer to the command line."""
    line = "\nLD_PRELOAD=/tmp/own.so"
    written = connection(**{part: f"require{line}"})
    try:
        assert line not in FORMATS[name].render(written)
    except NotExpressible:
        assert part == "host" or name in BY_LINE


@every_format
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_every_kind_of_host_and_password_is_read_again(name: str, part: Any) -> None:
    written = connection(**part)
    assert read_again(name, written) == readable(name, written)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in WORDED])
@pytest.mark.parametrize("sslmode", SSL_MODES.values())
def test_every_way_to_use_tls_is_read_again(name: str, sslmode: str) -> None:
    written = connection(sslmode=sslmode)
    assert read_again(name, written) == readable(name, written)


@every_format
def test_a_connection_leads_to_the_database_itself_and_not_to_a_pooler_before_it(name: str) -> None:
    assert read_again(name, connection(pooler_host="pooler.example")).host == "db.example"


@every_format
def test_a_file_ends_its_lines_and_a_value_is_nothing_but_the_value(name: str) -> None:
    """So that one can be added to a file, and the other can be taken from an answer as it is."""
    text = FORMATS[name].render(connection())
    assert text.strip() == text.removesuffix("\n")
    assert text.endswith("\n") == (name in LINES)
    assert ("\n" in text.strip()) == (name in LINES - {"prisma"})
