"""Connections, and texts that are difficult to write."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from domain.connection import Connection
from domain.secrets import Secret

ODD_CHARACTERS = (
    "".join(map(chr, range(1, 128))).replace("\n", "").replace("\r", "")
    + "\x85\u2028\u202eé😀\ufeff"
)

texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"),
        st.sampled_from("'\"\\$%#;=&+ `!{}~^@:/?"),
    ),
    min_size=1,
)
"""Texts that can be a name or a password, with many characters that are special to a reader."""


DEFAULT_CONNECTION = Connection(
    host="db.example", port=6543, database="x", user="user_x", password=Secret("p")
)


def connection(*, password: str = "p", **parts: Any) -> Connection:  # noqa: S107 - an invented password
    return replace(DEFAULT_CONNECTION, password=Secret(password), **parts)
