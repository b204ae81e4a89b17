"""Connections to hand out, and texts that trouble whoever has to write them down."""

from hypothesis import strategies as st

from domain.connection import Connection
from domain.secret import Secret

ODD = (
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
"""Whatever a name or a password may be, and what means something to a reader more often."""


def connection(
    *,
    host: str = "db.example",
    port: int = 6543,
    database: str = "x",
    user: str = "user_x",
    password: str = "p",  # noqa: S107 - of nobody
    sslmode: str = "prefer",
    pooler_host: str | None = None,
) -> Connection:
    return Connection(
        host=host,
        port=port,
        database=database,
        user=user,
        password=Secret(password),
        sslmode=sslmode,
        pooler_host=pooler_host,
    )
