"""Quoting of names and texts, read back as PostgreSQL's scanner reads them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.postgres.quoting import quote_identifier, quote_literal

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.text(
    "\"'\\;-$/*\n é", max_size=12
)


def read_identifier(sql: str) -> str:
    """Read `sql` as one identifier; fail if it ends early."""
    assert sql[0] == sql[-1] == '"'
    inside = sql[1:-1]
    assert '"' not in inside.replace('""', "")
    return inside.replace('""', '"')


def read_literal(sql: str, *, standard_conforming_strings: bool) -> str:
    """Read `sql` as one string constant, character by character."""
    escapes = sql.startswith("E") or not standard_conforming_strings
    body = sql.removeprefix("E")
    assert body[0] == body[-1] == "'"
    assert len(body) >= 2
    characters = iter(body[1:-1])
    text = []
    for character in characters:
        if character == "'":
            assert next(characters, None) == "'", "the constant ends early"
        elif character == "\\" and escapes:
            assert next(characters) == "\\", "an unintended escape"
        text.append(character)
    return "".join(text)


@given(texts)
@example('"')
@example('"; DROP DATABASE postgres; --')
def test_an_identifier_is_read_back_unchanged(name: str) -> None:
    assert read_identifier(quote_identifier(name)) == name


@pytest.mark.parametrize("standard", [True, False])
@given(texts)
@example("'")
@example("\\")
@example("\\'; DROP DATABASE postgres; --")
def test_a_literal_is_read_back_on_any_server(standard: bool, text: str) -> None:
    assert read_literal(quote_literal(text), standard_conforming_strings=standard) == text


@given(st.text(), st.text())
def test_no_nul_gets_into_a_statement(before: str, after: str) -> None:
    for quoted in (quote_identifier, quote_literal):
        with pytest.raises(ValueError, match="NUL"):
            quoted(f"{before}\0{after}")


def test_plain_names_and_texts_stay_readable() -> None:
    assert quote_identifier("user_sales") == '"user_sales"'
    assert quote_literal("pgvend:x:db_1") == "'pgvend:x:db_1'"
