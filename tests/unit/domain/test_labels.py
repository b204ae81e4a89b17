"""Labels."""

import pytest

from domain.errors import InvalidLabels
from domain.labels import MAX_LABELS, checked_labels


@pytest.mark.parametrize("key", ["a", "9", "team", "app.kubernetes.io/name", "A_b-c", "k" * 63])
def test_keys_as_people_write_them_are_kept(key: str) -> None:
    assert checked_labels({key: "value"}) == {key: "value"}


@pytest.mark.parametrize("value", ["", "a", "-", "me@example.org", "feature/x+1", "v" * 63])
def test_values_as_people_write_them_are_kept(value: str) -> None:
    assert checked_labels({"key": value}) == {"key": value}


@pytest.mark.parametrize(
    "key",
    ["", " ", "-a", "a-", ".a", "a/", "a b", "a=b", "é", "a\n", "a\0", "k" * 64, "k" * 10_000],
    ids=lambda key: ascii(key[:70]),
)
def test_other_keys_are_refused_by_name(key: str) -> None:
    with pytest.raises(InvalidLabels) as caught:
        checked_labels({"good": "value", key: "value"})

    assert repr(key[:63]) in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "value", [" ", "a b", "é", "a\n", "\0", "\ud800", "a=b", "v" * 64], ids=ascii
)
def test_other_values_are_refused_by_their_key(value: str) -> None:
    with pytest.raises(InvalidLabels, match="'team'"):
        checked_labels({"team": value})


def test_there_is_a_largest_number_of_labels() -> None:
    most = {f"key{number}": "" for number in range(MAX_LABELS)}

    assert checked_labels(most) == most
    with pytest.raises(InvalidLabels, match="33 labels are too many"):
        checked_labels(most | {"one-more": ""})


def test_no_labels_are_fine() -> None:
    assert checked_labels({}) == {}


def test_the_callers_mapping_is_copied() -> None:
    given = {"team": "a"}
    kept = checked_labels(given)

    given["team"] = "b"

    assert kept == {"team": "a"}
