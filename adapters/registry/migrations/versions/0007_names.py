"""Indexes by which records are found by their names: by the nickname, and by the database's name on
all targets.
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0007"
down_revision = "0006"

_IS_LIVE = sa.text("state NOT IN ('failed', 'deleted')")

_INDEXES = {
    "databases_database": (["database", "target"], True),
    "databases_nickname": (["nickname", "caller", "created_at", "id"], False),
}
"""The indexes of live records: their columns, and whether they are unique."""


def upgrade(op: Operations) -> None:
    op.drop_index("databases_database", "databases")
    for name, (columns, is_unique) in _INDEXES.items():
        op.create_index(
            name,
            "databases",
            columns,
            unique=is_unique,
            postgresql_where=_IS_LIVE,
            sqlite_where=_IS_LIVE,
        )
