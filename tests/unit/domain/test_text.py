"""Untrusted text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.text import escape_unprintable, escape_unprintable_lines, is_plain


@pytest.mark.parametrize("text", ["", "webshop", "Web Shop", "Zürich-2", "商店", "🛒", "a\u00a0b"])
def test_names_of_all_scripts_are_plain(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize(
    "char",
    ["\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\x9b", "\u200e", "\u2028", "\u2029", "\ud800"]
    + [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, 0xE0041)],
    ids=ascii,
)
def test_invisible_characters_are_not_plain_and_are_escaped(char: str) -> None:
    assert not is_plain(f"a{char}b")
    assert escape_unprintable(f"a{char}b") == f"a{ascii(char)[1:-1]}b"


@given(st.text(st.characters()))
def test_escaped_text_is_one_printable_line(text: str) -> None:
    shown = escape_unprintable(text)
    assert is_plain(shown)
    assert len(shown.splitlines()) <= 1
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    assert escape_unprintable(shown) == shown


def test_lines_are_kept() -> None:
    assert escape_unprintable_lines("a\x1b[1m\n\u202eb") == "a\\x1b[1m\n\\u202eb"
