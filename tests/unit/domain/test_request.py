"""What a request that may be repeated is known by."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.request import request_mark

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

keys = st.text(VISIBLE, min_size=1, max_size=255)
callers = st.text(st.characters(codec="utf-8"), max_size=20)


@given(callers, keys, st.text(st.characters(codec="utf-8")))
def test_the_same_request_has_the_same_mark(caller: str, key: str, body: str) -> None:
    assert request_mark(caller, key, body) == request_mark(caller, key, body)


@given(st.lists(callers, min_size=2, max_size=2, unique=True), keys)
def test_a_key_is_one_callers_own(two: list[str], key: str) -> None:
    one, other = (request_mark(caller, key, "body") for caller in two)

    assert one.key != other.key


@given(callers, st.lists(keys, min_size=2, max_size=2, unique=True))
def test_another_key_is_another_request(caller: str, two: list[str]) -> None:
    one, other = (request_mark(caller, key, "body") for key in two)

    assert one.key != other.key


@given(keys, st.lists(st.text(VISIBLE), min_size=2, max_size=2, unique=True))
def test_another_body_shows_and_changes_nothing_about_the_key(key: str, two: list[str]) -> None:
    one, other = (request_mark("ann", key, body) for body in two)

    assert one.key == other.key
    assert one.body != other.body


@given(callers, keys)
def test_a_mark_tells_nothing_of_what_it_is_made_of(caller: str, key: str) -> None:
    mark = request_mark(caller, key, "body")

    assert re.fullmatch(r"[0-9a-f]{64}", mark.key)
    assert re.fullmatch(r"[0-9a-f]{64}", mark.body)


@pytest.mark.parametrize(
    "key", ["a", "!", "x" * 255, "with spaces in it", '"quoted"', "a" + " " * 253 + "b"]
)
def test_visible_characters_with_spaces_between_them_are_a_key(key: str) -> None:
    request_mark("ann", key, "")


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        " a",
        "a ",
        "x" * 256,
        "a\n",
        "\n",
        "a\tb",
        "a\0b",
        "é",
        "\ud800",
        "a\x7fb",
        "\uff11",
    ],
    ids=ascii,
)
def test_anything_else_is_none(key: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 255 visible"):
        request_mark("ann", key, "")
