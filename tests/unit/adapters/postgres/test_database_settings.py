"""Lists of names in settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.database_settings import split_names

LISTS = {
    "": [],
    '""': [""],
    "public": ["public"],
    '"$user", public': ["$user", "public"],
    "Mixed , \tCASE": ["mixed", "case"],
    '"Kept Case", "a ""quoted"" name", "a, b"': ["Kept Case", 'a "quoted" name', "a, b"],
    "a;CREATE/**/ROLE/**/hacked;--": ["a;create/**/role/**/hacked;--"],
    "'; DROP": ["drop"],
}


@pytest.mark.parametrize(("text", "names"), LISTS.items())
def test_a_list_is_split_as_postgresql_splits_it(text: str, names: list[str]) -> None:
    assert list(split_names(text)) == names


@given(st.lists(st.text(), min_size=1))
def test_quoted_names_stay_as_they_are(names: list[str]) -> None:
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert list(split_names(quoted)) == names
