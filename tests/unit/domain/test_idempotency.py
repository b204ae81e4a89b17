"""Idempotency keys and labels."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidLabels, InvalidRequest
from domain.idempotency import create_idempotency_key
from domain.labels import MAX_LABELS, validate_labels

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

keys = st.text(VISIBLE, min_size=1, max_size=255)
callers = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.tuples(callers, keys, callers), st.tuples(callers, keys, callers), st.data())
def test_an_idempotency_key_depends_on_the_caller_and_detects_another_body(
    one: tuple[str, str, str], other: tuple[str, str, str], data: st.DataObject
) -> None:
    """Whichever parts the two requests share."""
    caller, key, body = (
        data.draw(st.sampled_from(parts)) for parts in zip(one, other, strict=True)
    )

    mark, again = create_idempotency_key(*one), create_idempotency_key(caller, key, body)

    assert (mark.key == again.key) == ((caller, key) == one[:2])
    assert (mark.body == again.body) == (body == one[2])
    assert re.fullmatch(r"[0-9a-f]{64}", mark.key)
    assert re.fullmatch(r"[0-9a-f]{64}", mark.body)


@pytest.mark.parametrize(
    "key", ["a", "!", "x" * 255, "with spaces in it", '"quoted"', "a" + " " * 253 + "b"]
)
def test_visible_characters_with_spaces_between_them_are_a_key(key: str) -> None:
    create_idempotency_key("ann", key, "")


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
def test_any_other_text_is_an_invalid_key(key: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 255 visible"):
        create_idempotency_key("ann", key, "")


@pytest.mark.parametrize(
    "labels",
    [
        {},
        *({key: ""} for key in ("a", "9", "team", "app.kubernetes.io/name", "A_b-c", "k" * 63)),
        *({"key": value} for value in ("a", "-", "me@example.org", "feature/x+1", "v" * 63)),
    ],
)
def test_valid_labels_are_copied(labels: dict[str, str]) -> None:
    validated = validate_labels(labels)
    assert validated == labels
    assert validated is not labels


@pytest.mark.parametrize(
    "key",
    ["", " ", "-a", "a-", ".a", "a/", "a b", "a=b", "é", "a\n", "a\0", "k" * 64, "k" * 10_000],
    ids=lambda key: ascii(key[:70]),
)
def test_an_invalid_key_is_named_in_the_error(key: str) -> None:
    with pytest.raises(InvalidLabels) as caught:
        validate_labels({"good": "value", key: "value"})

    assert repr(key[:63]) in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "value", [" ", "a b", "é", "a\n", "\0", "\ud800", "a=b", "v" * 64], ids=ascii
)
def test_an_invalid_value_is_named_by_its_key(value: str) -> None:
    with pytest.raises(InvalidLabels, match="'team'"):
        validate_labels({"team": value})


def test_the_number_of_labels_is_limited() -> None:
    most = {f"key{number}": "" for number in range(MAX_LABELS)}

    assert validate_labels(most) == most
    with pytest.raises(InvalidLabels, match="33 labels are too many"):
        validate_labels(most | {"one-more": ""})
