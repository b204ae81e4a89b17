"""One-time codes: what people may type for them."""

import pytest

from domain.one_time_code import is_same_code, new_code
from domain.secrets import Secret

CODE = new_code(bytes.fromhex("0102030421"))


def test_a_code_is_short_and_made_of_digits_that_do_not_look_alike() -> None:
    assert CODE.reveal() == "0410-6111"
    assert new_code(b"\xff" * 5).reveal() == "ZZZZ-ZZZZ"


@pytest.mark.parametrize("typed", ["0410-6111", "04106111", " o41O 6ilI\n"])
def test_case_spaces_hyphens_and_digits_that_look_alike_do_not_matter(typed: str) -> None:
    assert is_same_code(CODE, typed)


@pytest.mark.parametrize("typed", ["", "0410", "0410-6112", "0410-61111", "\ud800"])
def test_other_texts_are_not_the_code(typed: str) -> None:
    assert not is_same_code(CODE, typed)
    assert is_same_code(Secret("7K3M-9QXR"), "7k3m9qxr")
