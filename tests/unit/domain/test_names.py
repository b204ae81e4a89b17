"""Nicknames in all scripts, and their identifiers."""

import re
import unicodedata
from string import ascii_letters, digits, printable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import InvalidNickname
from domain.names import (
    MAX_BASE,
    MAX_IDENTIFIER,
    MAX_NICKNAME,
    OWNER_PREFIX,
    RESERVED,
    SUFFIX_ALPHABET,
    SUFFIX_LENGTH,
    Nickname,
)

ALLOWED = ascii_letters + digits + "-_"
HYPHENS = set("-\u2010\u2011\ufe63\uff0d")
IDENTIFIER = re.compile(r"[a-z0-9_][a-z0-9_-]*")

anything_typed = st.text(
    st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=MAX_NICKNAME - 1
).map(lambda text: text + "x")
ascii_typed = st.text(printable.split("\t")[0], min_size=1, max_size=MAX_BASE).filter(
    lambda text: any(char.isalnum() for char in text)
)
cleaned = st.text(SUFFIX_ALPHABET, min_size=1, max_size=MAX_NICKNAME)
long_cleaned = st.text(SUFFIX_ALPHABET, min_size=MAX_BASE + 1, max_size=MAX_NICKNAME)
suffixes = st.text(SUFFIX_ALPHABET, min_size=SUFFIX_LENGTH, max_size=SUFFIX_LENGTH)
words = st.text(st.characters(categories=("Ll", "Lu", "Mn")), max_size=20).map(lambda t: t + "x")


@given(anything_typed | long_cleaned, st.just("") | suffixes)
def test_names_are_identifiers_that_postgresql_does_not_truncate(typed: str, suffix: str) -> None:
    names = Nickname(typed).derive_names(suffix)

    assert IDENTIFIER.fullmatch(names.database)
    assert len(names.database.encode()) <= MAX_BASE
    assert len(names.owner.encode()) <= MAX_IDENTIFIER
    assert names.owner == OWNER_PREFIX + names.database
    assert names == Nickname(typed).derive_names(suffix)


@given(ascii_typed)
def test_a_short_ascii_nickname_keeps_its_allowed_characters(typed: str) -> None:
    """As in the original service, except for leading hyphens: its clients may rely on it."""
    expected = "".join(char for char in typed if char in ALLOWED).lower().lstrip("-")
    assert Nickname(typed).derive_names().database == expected


@given(long_cleaned, cleaned)
def test_different_nicknames_have_different_names(one: str, other: str) -> None:
    for a, b in ((one, other), (one[:MAX_BASE], other), (one[:-1] + "a", one[:-1] + "b")):
        assert (Nickname(a).derive_names() == Nickname(b).derive_names()) == (a == b)


@given(anything_typed, suffixes, suffixes)
def test_different_suffixes_make_different_names(typed: str, one: str, other: str) -> None:
    assume(one != other)
    nickname = Nickname(typed)
    assert (
        len({nickname.derive_names(), nickname.derive_names(one), nickname.derive_names(other)})
        == 3
    )


@pytest.mark.parametrize("name", sorted(RESERVED))
@given(suffix=suffixes)
def test_a_reserved_name_is_detected_in_any_spelling(name: str, suffix: str) -> None:
    assert Nickname(f" {name.upper()}! ").is_reserved()
    assert Nickname(name).derive_names(suffix).database not in RESERVED


def test_names_that_exist_on_every_server_are_reserved() -> None:
    assert {"postgres", "template0", "template1", "neondb"} < RESERVED
    for name in ("postgres1", "my-postgres", "user_postgres"):
        assert not Nickname(name).is_reserved()


@pytest.mark.parametrize(
    "typed",
    ["", " ", "\u3000", "!?*", "-", "_-_", "\u200d", "\u202e", "\u00ad", "\ufe0f", "\uffff"],
)
def test_a_nickname_without_letter_or_digit_is_invalid(typed: str) -> None:
    with pytest.raises(InvalidNickname, match="needs a letter or a digit"):
        Nickname.parse(typed)


@given(anything_typed.filter(lambda typed: not set(typed) & HYPHENS), st.just("") | suffixes)
def test_only_a_typed_hyphen_makes_a_hyphen(typed: str, suffix: str) -> None:
    assert "-" not in Nickname(typed).derive_names(suffix).owner


@pytest.mark.parametrize("typed", ["-v", "--version", " -v", "!-v", "\u2010v", "v"])
def test_no_name_looks_like_an_option(typed: str) -> None:
    names = Nickname(typed).derive_names()

    assert names.database in {"v", "version"}
    assert names.owner in {"user_v", "user_version"}


@pytest.mark.parametrize("char", ["\0", "\t", "\n", "\x1b", "\x7f", "\x85", "\ud800"])
def test_control_characters_and_lone_surrogates_are_invalid(char: str) -> None:
    with pytest.raises(InvalidNickname, match="control characters"):
        Nickname.parse(f"sales{char}data")


def test_the_length_of_a_nickname_is_limited() -> None:
    Nickname.parse("n" * MAX_NICKNAME)
    with pytest.raises(InvalidNickname, match="257 characters; use at most 256"):
        Nickname.parse("n" * 257)


SCRIPTS = {"Café Zürich": "cafezurich", "cafe\u0301": "cafe", "\uff21\uff42\uff11": "ab1"}
SCRIPTS |= {"①②": "12", "ﬁle": "file", "Straße": "strasse", "İstanbul": "istanbul"}
SCRIPTS |= {"שלום": "slvm", "\u202eabc\u202c": "abc", "a\u200db": "ab", "🐘": "elephant"}
SCRIPTS |= {"x²": "x2", "a—b": "ab", "a\u2011b": "a-b", "-\uff0dv": "v"}


@pytest.mark.parametrize(("typed", "database"), SCRIPTS.items(), ids=ascii)
def test_other_scripts_are_transliterated(typed: str, database: str) -> None:
    assert Nickname(typed).derive_names().database == database


@given(words)
def test_composed_and_decomposed_spellings_make_one_name(word: str) -> None:
    composed = Nickname(unicodedata.normalize("NFC", word))
    decomposed = Nickname(unicodedata.normalize("NFD", word))
    assert composed.derive_names() == decomposed.derive_names()


@given(st.text(ALLOWED, max_size=50))
def test_fullwidth_letters_are_letters(word: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in word + "x")
    assert Nickname(wide).derive_names() == Nickname(word + "x").derive_names()
