"""Nicknames beyond ASCII: every script of the world leads to a name that can be read."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.naming import Nickname

words = st.text(st.characters(categories=("Ll", "Lu", "Mn")), max_size=20).map(lambda t: t + "x")


@pytest.mark.parametrize(
    ("typed", "database"),
    [
        ("Café Zürich", "cafezurich"),
        ("cafe\u0301", "cafe"),
        ("\uff21\uff42\uff11", "ab1"),
        ("①②", "12"),
        ("ﬁle", "file"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("שלום", "slvm"),
        ("\u202eabc\u202c", "abc"),
        ("a\u200db", "ab"),
        ("🐘", "elephant"),
        ("x²", "x2"),
    ],
    ids=ascii,
)
def test_other_scripts_are_transliterated(typed: str, database: str) -> None:
    assert Nickname(typed).names().database == database


@pytest.mark.parametrize("typed", ["数据库", "база данных", "データ", "قاعدة"], ids=ascii)
def test_a_word_of_any_script_leaves_something_to_name_a_database_by(typed: str) -> None:
    assert Nickname(typed).names().database.isascii()


@given(words)
def test_composed_and_decomposed_spellings_are_one_name(word: str) -> None:
    composed = Nickname(unicodedata.normalize("NFC", word))
    decomposed = Nickname(unicodedata.normalize("NFD", word))

    assert composed.names() == decomposed.names()


@given(st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", max_size=50))
def test_fullwidth_letters_are_letters(word: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in word + "x")

    assert Nickname(wide).names() == Nickname(word + "x").names()
